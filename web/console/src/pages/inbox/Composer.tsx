// Where the answer is written. The draft is kept per conversation; what is sent goes to the outbox first, so a lost connection loses nothing.
import { App, Button, Input, Tooltip } from 'antd';
import type { TextAreaRef } from 'antd/es/input/TextArea';
import { Hand, Lock, Paperclip, SendHorizontal } from 'lucide-react';
import { forwardRef, useCallback, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Conversation, KnowledgeHit } from '@/api/types';
import { uuid } from '@/api/uuid';
import { useNarrow } from '@/app/appearance';
import { useSession } from '@/app/session';
import { type Draft, forgetDraft, keepDraft, readDraft } from './drafts';
import { Suggestions } from './Suggestions';
import { UploadChips, useUploads } from './uploads';

export interface ComposerHandle {
  focus(kind: 'text' | 'note'): void;
}
const LONGEST = 10_000;

interface Props {
  conversation: Conversation;
  mine: boolean;
  take?: () => void;
}

export const Composer = forwardRef<ComposerHandle, Props>(function Composer({ conversation, mine, take }, handle) {
  const { t } = useTranslation();
  const { desk, session, may } = useSession();
  const { message } = App.useApp();
  const narrow = useNarrow();
  const { id } = conversation;
  const key = `${session.user.id}:${id}`;
  const [draft, setDraft] = useState<Draft>(() => readDraft(key));
  const [over, setOver] = useState(false);
  const area = useRef<TextAreaRef>(null);
  const picker = useRef<HTMLInputElement>(null);
  const quiet = useRef<ReturnType<typeof setTimeout>>(undefined);
  const uploads = useUploads();
  const note = draft.kind === 'note';
  const blocked = !note && (!mine || conversation.state === 'resolved');
  const text = draft.text.trim();
  const ready = !blocked && !uploads.busy && !uploads.failed && (text !== '' || uploads.done.length > 0) && text.length <= LONGEST;

  const change = useCallback((next: Partial<Draft>) => setDraft((now) => ({ ...now, ...next })), []);
  useEffect(() => keepDraft(key, draft), [key, draft]);
  useImperativeHandle(handle, () => ({
    focus: (kind) => {
      change({ kind });
      setTimeout(() => area.current?.focus({ cursor: 'end' }));
    },
  }));
  useEffect(() => () => clearTimeout(quiet.current), []);

  if (!may('conversation.reply')) return null;

  const write = (value: string) => {
    change({ text: value });
    if (note || !mine) return;
    desk.typing(id, value !== '');
    clearTimeout(quiet.current);
    quiet.current = setTimeout(() => desk.typing(id, false), 4000);
  };
  const send = () => {
    if (!ready) return;
    clearTimeout(quiet.current);
    desk.typing(id, false);
    desk.send({
      cid: uuid(),
      conv: id,
      kind: draft.kind,
      ...(text ? { text } : {}),
      ...(uploads.done.length ? { attachments: uploads.done } : {}),
      ...(draft.used.length && !note ? { used: draft.used } : {}),
    });
    uploads.clear();
    forgetDraft(key);
    setDraft({ kind: draft.kind, text: '', used: [] });
    area.current?.focus();
  };
  const insert = (hit: KnowledgeHit) => {
    setDraft((now) => ({
      kind: 'text',
      text: now.text.trim() ? `${now.text.trimEnd()}\n${hit.answer}` : hit.answer,
      used: now.used.includes(hit.id) ? now.used : [...now.used, hit.id],
    }));
    setTimeout(() => area.current?.focus({ cursor: 'end' }));
  };
  const attach = (files: Iterable<File>) => {
    const refused = uploads.add(files);
    if (refused) void message.warning(refused);
  };
  const drop = (event: React.DragEvent) => {
    event.preventDefault();
    setOver(false);
    attach(event.dataTransfer.files);
  };
  return (
    <section
      className={`composer ${note ? 'composer-note' : ''} ${over ? 'composer-over' : ''}`}
      aria-label={t('composer.title')}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      {mine && conversation.state === 'open' && <Suggestions conversation={conversation} insert={insert} used={draft.used} />}
      <div className="composer-box">
        <div className="composer-tabs" role="tablist" aria-label={t('composer.kind')}>
          <button type="button" role="tab" aria-selected={!note} onClick={() => change({ kind: 'text' })}>{t('composer.text')}</button>
          <button type="button" role="tab" aria-selected={note} onClick={() => change({ kind: 'note' })}><Lock size={13} aria-hidden />{t('composer.note')}</button>
        </div>
        {blocked ? (
          <div className="composer-blocked">
            <span>{conversation.state === 'resolved' ? t('composer.resolved') : conversation.assignee ? t('composer.others', { name: conversation.assignee.name }) : t('composer.nobodys')}</span>
            {take && <Button size="small" icon={<Hand size={14} />} onClick={take}>{t('conversation.take')}</Button>}
          </div>
        ) : (
          <Input.TextArea
            ref={area}
            variant="borderless"
            autoSize={{ minRows: narrow ? 1 : 2, maxRows: 10 }}
            value={draft.text}
            aria-label={note ? t('composer.note') : t('composer.text')}
            placeholder={note ? t('composer.notePlaceholder') : t('composer.placeholder')}
            onChange={(event) => write(event.target.value)}
            onPaste={(event) => {
              if (event.clipboardData.files.length === 0) return;
              event.preventDefault();
              attach(event.clipboardData.files);
            }}
            onKeyDown={(event) => {
              // While an input method composes, Enter chooses a word.
              if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return;
              event.preventDefault();
              send();
            }}
          />
        )}
        <UploadChips uploads={uploads} />
        <div className="composer-foot">
          <Tooltip title={t('composer.attach')}>
            <Button type="text" disabled={blocked} aria-label={t('composer.attach')} icon={<Paperclip size={18} />} onClick={() => picker.current?.click()} />
          </Tooltip>
          <input ref={picker} type="file" multiple hidden aria-hidden tabIndex={-1} onChange={(event) => { attach(event.target.files ?? []); event.target.value = ''; }} />
          <span className="composer-hint">{text.length > LONGEST * 0.9 ? `${text.length}/${LONGEST}` : !narrow && t('composer.hint')}</span>
          <Button type="primary" disabled={!ready} icon={<SendHorizontal size={16} />} onClick={send}>{note ? t('composer.addNote') : t('composer.send')}</Button>
        </div>
      </div>
      {over && <div className="composer-drop">{t('composer.drop')}</div>}
    </section>
  );
});
