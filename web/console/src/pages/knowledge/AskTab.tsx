// A place to try the bot: the answer that a customer would get, and how it came to it. Nothing is stored.
import { useMutation } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { BookOpen, SendHorizontal } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { post } from '@/api/http';
import type { AskResult } from '@/api/types';
import { Avatar } from '@/app/Avatar';
import { Markdown } from '@/app/Markdown';
import { useProblem } from '@/app/problems';
import { TraceView } from '@/app/TraceView';

export function AskTab() {
  const { t } = useTranslation();
  const tell = useProblem();
  const [text, setText] = useState('');
  const ask = useMutation({ mutationFn: (question: string) => post<AskResult>('/knowledge/ask', { text: question }), onError: (error) => tell(error) });
  const go = (question: string) => {
    if (!question.trim()) return;
    setText(question);
    ask.mutate(question.trim());
  };
  const answer = ask.data;
  return (
    <>
      <div className="ask-box">
        <Input size="large" autoFocus maxLength={1000} value={text} placeholder={t('ask.placeholder')} aria-label={t('ask.placeholder')} onChange={(event) => setText(event.target.value)} onPressEnter={(event) => !event.nativeEvent.isComposing && go(text)} />
        <Button size="large" type="primary" loading={ask.isPending} icon={<SendHorizontal size={17} />} onClick={() => go(text)}>{t('ask.submit')}</Button>
      </div>
      {!answer && <p className="quiet ask-hint">{t('ask.hint')}</p>}
      {answer && (
        <div className="ask-result">
          <section className="card" aria-label={t('ask.answer')}>
            <div className="ask-answer">
              <Avatar id="bot" name="" bot size={36} />
              <div>
                {answer.text && <Markdown text={answer.text} />}
                {answer.options && answer.options.length > 0 && (
                  <ul className="ask-options">{answer.options.map((option) => <li key={option.id}><Button onClick={() => go(option.text)}>{option.text}</Button></li>)}</ul>
                )}
                {answer.sources && answer.sources.length > 0 && (
                  <p className="ask-sources">{answer.sources.map((source) => <a key={source.id} href={source.url} target="_blank" rel="noreferrer"><BookOpen size={14} aria-hidden /> {source.title}</a>)}</p>
                )}
              </div>
            </div>
          </section>
          <section className="card" aria-label={t('trace.title')}>
            <TraceView trace={{ ...answer.trace, verdict: answer.trace.verdict ?? answer.verdict, reason: answer.trace.reason ?? answer.reason }} />
          </section>
        </div>
      )}
    </>
  );
}
