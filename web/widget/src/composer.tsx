// Where the visitor writes: grows with the text, takes files by button, paste and drop, keeps the draft.
import { useEffect, useRef, useState } from 'preact/hooks';
import { sayTyping, sendText, upload } from './connection';
import { Clip, Cross, Send } from './icons';
import { change } from './state';
import { say } from './text';
import type { Attachment } from './wire';

const LARGEST_MB = 20, MOST = 10;
type Part = { key: number; name: string; share: number; done?: Attachment };
let keys = 0;

export function Composer({ focus }: { focus: boolean }) {
  const [text, setText] = useState('');
  const [parts, setParts] = useState<Part[]>([]);
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (focus && matchMedia('(hover: hover)').matches) area.current?.focus();
  }, [focus]);
  useEffect(() => {
    const a = area.current!;
    a.style.height = 'auto';
    a.style.height = `${Math.min(a.scrollHeight, 120)}px`;
  }, [text]);

  const add = (files: Iterable<File>) => {
    for (const file of [...files].slice(0, MOST - parts.length)) {
      if (file.size > LARGEST_MB * 2 ** 20) {
        change({ problem: say('too_large', LARGEST_MB) });
        continue;
      }
      const key = ++keys;
      setParts((p) => [...p, { key, name: file.name || 'file', share: 0 }]);
      upload(file, (share) => setParts((p) => p.map((one) => (one.key === key ? { ...one, share } : one)))).then(
        (done) => setParts((p) => p.map((one) => (one.key === key ? { ...one, share: 1, done } : one))),
        (e: Error) => {
          change({ problem: e.message });
          setParts((p) => p.filter((one) => one.key !== key));
        });
    }
  };
  const ready = (text.trim() || parts.length > 0) && parts.every((p) => p.done);
  const send = () => {
    if (!ready) return;
    sendText(text.trim(), parts.map((p) => p.done!));
    setText('');
    setParts([]);
    area.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(e) => { e.preventDefault(); send(); }}
      onDragOver={(e) => e.preventDefault()}
      onDrop={(e) => { e.preventDefault(); if (e.dataTransfer) add(e.dataTransfer.files); }}
    >
      {parts.length > 0 && (
        <ul class="parts">
          {parts.map((p) => (
            <li key={p.key} class={p.done ? '' : 'busy'}>
              <span>{p.name}</span>
              {!p.done && <progress value={p.share} max={1} aria-label={p.name} />}
              <button type="button" aria-label={say('attach_remove', p.name)} onClick={() => setParts((all) => all.filter((one) => one !== p))}><Cross /></button>
            </li>
          ))}
        </ul>
      )}
      <div class="row">
        <button type="button" class="icon" aria-label={say('attach')} title={say('attach')} onClick={() => picker.current?.click()}><Clip /></button>
        <input ref={picker} type="file" multiple hidden onChange={(e) => { add(e.currentTarget.files || []); e.currentTarget.value = ''; }} />
        <textarea
          ref={area} rows={1} maxLength={4000} value={text} placeholder={say('placeholder')} aria-label={say('placeholder')}
          onInput={(e) => { setText(e.currentTarget.value); sayTyping(e.currentTarget.value !== ''); }}
          onBlur={() => sayTyping(false)}
          onPaste={(e) => { const files = e.clipboardData?.files; if (files?.length) { e.preventDefault(); add(files); } }}
          onKeyDown={(e) => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); send(); } }}
        />
        <button type="submit" class="icon send" disabled={!ready} aria-label={say('send')} title={say('send')}><Send /></button>
      </div>
    </form>
  );
}
