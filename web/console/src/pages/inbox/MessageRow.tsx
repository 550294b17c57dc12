import { Button } from 'antd';
import { AlertCircle, BookOpen, Check, CheckCheck, CircleHelp, Clock3, FileText, Lock } from 'lucide-react';
import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Letter } from '@/api/live/outbox';
import type { Attachment, Message } from '@/api/types';
import { Avatar } from '@/app/Avatar';
import { bytes, clock, dateTime } from '@/app/format';
import { Markdown } from '@/app/Markdown';
import { useSession } from '@/app/session';

interface Props {
  message: Message;
  me: string;
  head: boolean; // first of a group: shows who
  tail: boolean; // last of a group: shows the time
  read: boolean;
  trace: (seq: number) => void;
}

export const MessageRow = memo(function MessageRow({ message, me, head, tail, read, trace }: Props) {
  const { t } = useTranslation();
  const author = message.author ?? { kind: 'system' as const };
  const note = message.kind === 'note';
  const kind = note ? 'note' : author.kind === 'agent' ? (author.id === me ? 'mine' : 'agent') : author.kind;
  const name = author.kind === 'bot' ? t('transcript.bot') : author.name || t('contact.nameless');
  return (
    <article className={`msg msg-${kind} ${head ? 'msg-head' : ''} ${tail ? 'msg-tail' : ''}`}>
      <div className="msg-face">{tail && kind !== 'mine' && <Avatar id={author.id ?? author.kind} name={name} size={28} bot={author.kind === 'bot'} />}</div>
      <div className="msg-body">
        {head && kind !== 'mine' && kind !== 'visitor' && (
          <div className="msg-name">
            {note && <Lock size={12} aria-hidden />}
            {note ? t('transcript.noteBy', { name }) : name}
          </div>
        )}
        {message.text && (
          <div className="bubble">{author.kind === 'visitor' || note ? <Plain text={message.text} /> : <Markdown text={message.text} />}</div>
        )}
        <Attachments files={message.attachments} />
        {message.options && message.options.length > 0 && (
          <ul className="options" aria-label={t('transcript.options')}>
            {message.options.map((option) => <li key={option.id}>{option.text}</li>)}
          </ul>
        )}
        {(message.trace || message.sources?.length) && (
          <div className="msg-sources">
            {message.sources?.map((source) => (
              <a key={source.id} href={source.url} target="_blank" rel="noreferrer"><BookOpen size={13} aria-hidden />{source.title}</a>
            ))}
            {message.trace && <button type="button" onClick={() => trace(message.seq)}><CircleHelp size={13} aria-hidden />{t('transcript.why')}</button>}
          </div>
        )}
        {tail && (
          <div className="msg-foot">
            <time dateTime={message.at} title={dateTime(message.at)}>{clock(message.at)}</time>
            {author.kind === 'agent' && !note && (read ? <CheckCheck size={15} className="read" aria-label={t('transcript.read')} /> : <Check size={15} aria-label={t('transcript.delivered')} />)}
          </div>
        )}
      </div>
    </article>
  );
});

// What waits to be stored, or could not be.
export const PendingRow = memo(function PendingRow({ letter }: { letter: Letter }) {
  const { t } = useTranslation();
  const { desk } = useSession();
  const failed = letter.state === 'failed';
  return (
    <article className={`msg msg-tail msg-head ${letter.kind === 'note' ? 'msg-note' : 'msg-mine'} ${letter.state === 'waiting' ? 'msg-waiting' : ''}`}>
      <div className="msg-face" />
      <div className="msg-body">
        {letter.text && <div className="bubble">{letter.kind === 'note' ? <Plain text={letter.text} /> : <Markdown text={letter.text} />}</div>}
        <Attachments files={letter.attachments} />
        {failed ? (
          <div className="msg-foot msg-failed" role="alert">
            <AlertCircle size={15} aria-hidden />
            <span>{letter.error}</span>
            <Button size="small" type="link" onClick={() => desk.resend(letter.cid)}>{t('common.retry')}</Button>
            <Button size="small" type="link" onClick={() => desk.discard(letter.cid)}>{t('common.discard')}</Button>
          </div>
        ) : (
          <div className="msg-foot">
            <time dateTime={letter.at}>{clock(letter.at)}</time>
            {letter.state === 'waiting' ? <Clock3 size={14} aria-label={t('transcript.waiting')} /> : <Check size={15} aria-label={t('transcript.delivered')} />}
          </div>
        )}
      </div>
    </article>
  );
});

// Text as it was written; only addresses become links.
function Plain({ text }: { text: string }) {
  const parts = text.split(/(https?:\/\/[^\s<>"'，。；、）】]+)/g);
  return <p className="plain">{parts.map((part, i) => (i % 2 ? <a key={i} href={part} target="_blank" rel="noreferrer noopener">{part}</a> : part))}</p>;
}

function Attachments({ files }: { files?: Attachment[] }) {
  if (!files?.length) return null;
  return (
    <div className="files">
      {files.map((file) =>
        file.type.startsWith('image/') ? (
          <a key={file.id} className="picture" href={file.url} target="_blank" rel="noreferrer">
            <img src={file.url} alt={file.name} loading="lazy" style={fit(file)} />
          </a>
        ) : (
          <a key={file.id} className="file" href={file.url} target="_blank" rel="noreferrer" download={file.name}>
            <FileText size={22} aria-hidden />
            <span>{file.name}<small>{bytes(file.size)}</small></span>
          </a>
        ),
      )}
    </div>
  );
}

// The room is reserved before the picture is there, so the transcript does not jump.
function fit({ width, height }: Attachment): React.CSSProperties | undefined {
  if (!width || !height) return undefined;
  const scale = Math.min(1, 300 / width, 260 / height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}
