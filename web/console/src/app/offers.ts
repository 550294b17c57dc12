// What must not be missed: an offer sounds, marks the tab and, where allowed, shows a notice of the browser; a visitor's message in a
// conversation of mine does so while the page is not looked at.
import { App } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router-dom';
import type { Conversation } from '@/api/types';
import { useDesk, useSession } from './session';

let audio: AudioContext | null = null;
const SOUND_KEPT = 'yd-sound';
export const soundOn = () => localStorage.getItem(SOUND_KEPT) !== 'off';
export const setSound = (on: boolean) => localStorage.setItem(SOUND_KEPT, on ? 'on' : 'off');

// Two soft tones made here, so no file is needed.
export function chime(tones: number[]) {
  if (!soundOn()) return;
  try {
    audio ??= new AudioContext();
    void audio.resume();
    const start = audio.currentTime + 0.01;
    tones.forEach((hertz, i) => {
      const tone = audio!.createOscillator();
      const volume = audio!.createGain();
      tone.type = 'sine';
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0, start + i * 0.16);
      volume.gain.linearRampToValueAtTime(0.18, start + i * 0.16 + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, start + i * 0.16 + 0.4);
      tone.connect(volume).connect(audio!.destination);
      tone.start(start + i * 0.16);
      tone.stop(start + i * 0.16 + 0.45);
    });
  } catch {
    // no sound device
  }
}

const away = () => document.visibilityState !== 'visible' || !document.hasFocus();

export function useOffers() {
  const { t } = useTranslation();
  const { desk, session } = useSession();
  const { notification } = App.useApp();
  const navigate = useNavigate();
  const me = session.user.id;
  const unread = useDesk((state) => {
    let count = 0;
    for (const conversation of state.conversations.values())
      if (conversation.assignee?.id === me && conversation.state !== 'resolved' && conversation.unread) count++;
    return count;
  });

  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${t('app.name')}` : t('app.name');
  }, [unread, t]);

  useEffect(() => {
    const show = (conversation: Conversation, title: string) => {
      if (!away() || !('Notification' in window) || Notification.permission !== 'granted') return;
      const notice = new Notification(title, { body: conversation.last_message?.text ?? conversation.inbox.name, tag: conversation.id });
      notice.onclick = () => {
        window.focus();
        navigate(`/inbox/mine/${conversation.id}`);
        notice.close();
      };
    };
    desk.events.offer = (conversation) => {
      const title = t('offer.title', { name: conversation.contact.name || t('contact.nameless') });
      chime([660, 880]);
      show(conversation, title);
      const key = `offer-${conversation.id}`;
      notification.open({
        key,
        message: title,
        description: conversation.inbox.name,
        closable: { 'aria-label': t('common.close'), ...{ role: 'button', tabIndex: 0 } },
        placement: 'bottomRight',
        duration: 12,
        className: 'offer',
        onClick: () => {
          notification.destroy(key);
          navigate(`/inbox/mine/${conversation.id}`);
        },
      });
    };
    desk.events.incoming = (conversation) => {
      if (!away()) return;
      chime([740]);
      show(conversation, conversation.contact.name || t('contact.nameless'));
    };
  }, [desk, notification, navigate, t]);
}
