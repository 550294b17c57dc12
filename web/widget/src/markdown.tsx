// The small part of Markdown that answers use, as elements and never as HTML: paragraphs, lists, bold, italics, code, links.
import type { ComponentChildren } from 'preact';
import { pageUrl } from './connection';

const inline = /(\*\*[^*]+\*\*|\*[^*\s][^*]*\*|`[^`]+`|\[[^\]]+\]\([^)\s]+\)|https?:\/\/[^\s<>()\u3000-\u303f\uff00-\uffef]+[^\s<>().,;:!?'"\u3000-\u303f\uff00-\uffef])/;

function link(text: ComponentChildren, address: string) {
  if (!/^(https?:\/\/|\/|mailto:|tel:)/i.test(address)) return text;
  return <a href={pageUrl(address)} target="_blank" rel="noopener noreferrer nofollow">{text}</a>;
}
export function inlines(text: string): ComponentChildren[] {
  return text.split(inline).map((part, i) => {
    if (i % 2 === 0) return part;
    if (part.startsWith('**')) return <strong>{part.slice(2, -2)}</strong>;
    if (part.startsWith('*')) return <em>{part.slice(1, -1)}</em>;
    if (part.startsWith('`')) return <code>{part.slice(1, -1)}</code>;
    if (part.startsWith('[')) {
      const at = part.indexOf('](');
      return link(part.slice(1, at), part.slice(at + 2, -1));
    }
    return link(part, part);
  });
}
const lines = (list: string[]) => list.flatMap((l, i) => (i ? [<br />, ...inlines(l)] : inlines(l)));

export function Markdown({ text }: { text: string }) {
  const blocks: ComponentChildren[] = [];
  let paragraph: string[] = [], list: string[] = [], ordered = false;
  const end = () => {
    if (paragraph.length) blocks.push(<p>{lines(paragraph)}</p>);
    if (list.length) {
      const items = list.map((l) => <li>{inlines(l)}</li>);
      blocks.push(ordered ? <ol>{items}</ol> : <ul>{items}</ul>);
    }
    paragraph = [];
    list = [];
  };
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const item = /^([-*+]|\d+[.)])\s+(.*)$/.exec(line);
    const head = /^#{1,6}\s+(.*)$/.exec(line);
    if (!line) end();
    else if (item) {
      const numbered = /\d/.test(item[1]!);
      if (paragraph.length || (list.length && numbered !== ordered)) end();
      ordered = numbered;
      list.push(item[2]!);
    } else if (head) {
      end();
      blocks.push(<p><strong>{inlines(head[1]!)}</strong></p>);
    } else if (list.length) list[list.length - 1] += ' ' + line;
    else paragraph.push(line.replace(/^>\s?/, ''));
  }
  end();
  return <div class="md">{blocks}</div>;
}
