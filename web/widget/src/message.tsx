// One line of the transcript: a bubble, a picture, a file, or a small centred note of what happened.
import { fileUrl, pageUrl, sendAgain, sendOption } from './connection';
import { Paper } from './icons';
import { Markdown, inlines } from './markdown';
import { clock, say, size } from './text';
import type { Attachment, Message } from './wire';
import type { Pending } from './state';

export function activityText(m: Message): string | null {
  const a = m.activity;
  const who = a?.to_name || m.author.name || say('someone');
  switch (a?.name) {
    case 'handoff': return say(a.reason === 'asked' ? 'handoff' : 'handoff_bot');
    case 'assigned': return say('assigned', who);
    case 'transferred': return say('transferred', who);
    case 'unassigned': return say('unassigned');
    case 'resolved': return say('resolved');
    case 'reopened': return say('reopened');
    case 'pending': return say('pending');
    case 'rated': return say('rated');
    default: return null;
  }
}
function Files({ list }: { list: Attachment[] }) {
  return (
    <>
      {list.map((a) =>
        a.type.startsWith('image/') && a.width ? (
          <a class="picture" href={fileUrl(a)} target="_blank" rel="noopener noreferrer">
            <img src={fileUrl(a)} alt={say('picture', a.name)} width={a.width} height={a.height} loading="lazy" />
          </a>
        ) : (
          <a class="file" href={fileUrl(a)} target="_blank" rel="noopener noreferrer" download={a.name}>
            <Paper />
            <span><b>{a.name}</b><small>{size(a.size)}</small></span>
          </a>
        ))}
    </>
  );
}
const plain = (text: string) => <div class="md"><p>{text.split('\n').flatMap((l, i) => (i ? [<br />, ...inlines(l)] : inlines(l)))}</p></div>;

export function Line({ m, first, last, options, seen }: { m: Message; first: boolean; last: boolean; options: boolean; seen?: string }) {
  const mine = m.author.kind === 'visitor';
  const name = m.author.kind === 'bot' ? say('bot') : m.author.name || say('someone');
  return (
    <div class={`line ${mine ? 'mine' : 'theirs'} ${first ? 'first' : ''}`} data-seq={m.seq}>
      {!mine && first && <div class="who">{name}</div>}
      {m.text && <div class={`bubble ${last ? 'last' : ''}`}>{mine ? plain(m.text) : <Markdown text={m.text} />}</div>}
      {m.attachments && m.attachments.length > 0 && <Files list={m.attachments} />}
      {m.sources?.map((s) => (
        <a class="source" href={s.url ? pageUrl(s.url) : undefined} target="_blank" rel="noopener noreferrer"><Paper />{say('source', s.title)}</a>
      ))}
      {m.options && m.options.length > 0 && (
        <div class="options" role="group" aria-label={say('options')}>
          {m.options.map((o) => <button type="button" disabled={!options} onClick={() => sendOption(o.id, o.text)}>{o.text}</button>)}
        </div>
      )}
      {(last || seen) && <div class="when"><time dateTime={m.at}>{clock(m.at)}</time>{seen && ` · ${seen}`}</div>}
    </div>
  );
}
export function PendingLine({ p }: { p: Pending }) {
  return (
    <div class="line mine pending">
      {p.text && <div class="bubble last">{plain(p.text)}</div>}
      {p.files && p.files.length > 0 && <Files list={p.files} />}
      <div class="when">
        {p.failed ? <span class="failed">{say('failed', p.failed)} <button type="button" onClick={() => sendAgain(p.cid)}>{say('again')}</button></span> : say('sending')}
      </div>
    </div>
  );
}
