// Markdown as React elements: the text is cut into tokens and only known tokens become elements, so no HTML of the writer ever reaches the page.
import { marked, type Token, type Tokens } from 'marked';
import { Fragment, type ReactNode, useMemo } from 'react';

const safe = (href: string) => (/^(https?:|mailto:|tel:|\/|#)/i.test(href) ? href : undefined);

const plain = (text: string) =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => ({ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" })[entity] ?? entity);

function many(tokens: Token[] | undefined): ReactNode {
  return tokens?.map((token, i) => <Fragment key={i}>{one(token)}</Fragment>);
}

function one(token: Token): ReactNode {
  switch (token.type) {
    case 'paragraph': return <p>{many(token.tokens)}</p>;
    case 'heading': {
      // Inside a page that has its own headings, a text starts at the third level.
      const Tag = `h${Math.min((token as Tokens.Heading).depth + 2, 6)}` as 'h3';
      return <Tag>{many(token.tokens)}</Tag>;
    }
    case 'strong': return <strong>{many(token.tokens)}</strong>;
    case 'em': return <em>{many(token.tokens)}</em>;
    case 'del': return <del>{many(token.tokens)}</del>;
    case 'codespan': return <code>{plain(token.text as string)}</code>;
    case 'code': return <pre tabIndex={0}><code>{token.text as string}</code></pre>;
    case 'br': return <br />;
    case 'hr': return <hr />;
    case 'blockquote': return <blockquote>{many(token.tokens)}</blockquote>;
    case 'link': {
      const href = safe(token.href as string);
      return href ? <a href={href} target="_blank" rel="noreferrer noopener">{many(token.tokens)}</a> : many(token.tokens);
    }
    case 'image': {
      const src = safe(token.href as string);
      return src?.startsWith('/') ? <img src={src} alt={token.text as string} loading="lazy" /> : <span>{token.text as string}</span>;
    }
    case 'list': {
      const list = token as Tokens.List;
      const items = list.items.map((item, i) => <li key={i}>{many(item.tokens)}</li>);
      return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
    }
    case 'table': {
      const table = token as Tokens.Table;
      return (
        <table>
          <thead><tr>{table.header.map((cell, i) => <th key={i}>{many(cell.tokens)}</th>)}</tr></thead>
          <tbody>{table.rows.map((row, i) => <tr key={i}>{row.map((cell, j) => <td key={j}>{many(cell.tokens)}</td>)}</tr>)}</tbody>
        </table>
      );
    }
    case 'text': return token.tokens ? many(token.tokens) : plain(token.text as string);
    case 'escape': return plain(token.text as string);
    case 'space': case 'def': return null;
    default: return 'text' in token ? String(token.text) : null;
  }
}

export function Markdown({ text }: { text: string }) {
  const tokens = useMemo(() => marked.lexer(text, { gfm: true, breaks: true }), [text]);
  return <div className="markdown">{many(tokens)}</div>;
}
