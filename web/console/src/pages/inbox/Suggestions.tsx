// What the knowledge base has for the customer's last question; one click puts the answer into the draft.
import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { ChevronDown, ChevronUp, Lightbulb, Plus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { list } from '@/api/http';
import type { Conversation, KnowledgeHit } from '@/api/types';
import { useNarrow } from '@/app/appearance';
import { useDesk, useSession } from '@/app/session';

const OPEN_KEPT = 'yd-suggestions';

// Two lines of an answer are read as text: without the marks of its Markdown.
const plain = (markdown: string) => markdown.replace(/\*\*|`|^#+\s+|\[([^\]]*)\]\([^)]*\)/gm, '$1');

export function Suggestions({ conversation, insert, used }: { conversation: Conversation; insert: (hit: KnowledgeHit) => void; used: string[] }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const narrow = useNarrow();
  const [open, setOpen] = useState(() => (localStorage.getItem(OPEN_KEPT) ?? (narrow ? 'closed' : 'open')) !== 'closed');
  const question = useDesk((state) => {
    const messages = state.transcripts.get(conversation.id)?.messages ?? [];
    for (let i = messages.length - 1; i >= 0; i--) {
      const message = messages[i]!;
      if (message.author?.kind === 'visitor' && message.kind === 'text' && message.text) return message.text.slice(0, 200);
      // Once a person has answered, there is no open question.
      if (message.author?.kind === 'agent' && message.kind === 'text') return '';
    }
    return '';
  });
  const hits = useQuery({
    queryKey: ['suggestions', question],
    enabled: question.trim().length > 1 && may('knowledge.read'),
    queryFn: ({ signal }) => list<KnowledgeHit>('/knowledge/search', { q: question, limit: 3 }, signal).then((page) => page.items.slice(0, 3)),
    staleTime: 60_000,
    retry: false,
  });
  if (!question || !hits.data?.length) return null;
  const toggle = () => {
    localStorage.setItem(OPEN_KEPT, open ? 'closed' : 'open');
    setOpen(!open);
  };
  return (
    <div className="suggestions">
      <button type="button" className="suggestions-head" aria-expanded={open} onClick={toggle}>
        <Lightbulb size={15} aria-hidden />
        {t('suggestions.title', { count: hits.data.length })}
        {open ? <ChevronDown size={15} aria-hidden /> : <ChevronUp size={15} aria-hidden />}
      </button>
      {open && (
        <ul>
          {hits.data.map((hit) => (
            <li key={hit.id}>
              <div>
                <strong>{hit.title}</strong>
                <p>{plain(hit.answer)}</p>
              </div>
              <Button size="small" disabled={used.includes(hit.id)} icon={<Plus size={14} />} onClick={() => insert(hit)}>
                {used.includes(hit.id) ? t('suggestions.inserted') : t('suggestions.insert')}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
