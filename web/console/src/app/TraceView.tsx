// Why the bot said what it said: the question as it was read, its parts, what was found with which score, and the two thresholds.
import { useTranslation } from 'react-i18next';
import type { Trace } from '@/api/types';
import { thousandths } from './format';

const verdicts = ['answer', 'suggest', 'handoff', 'smalltalk'] as const;
const reasons = ['above_threshold', 'between_thresholds', 'not_found', 'asked_for_person', 'two_misses', 'chosen', 'greeting', 'thanks', 'goodbye', 'who', 'acknowledged', 'nothing_asked'] as const;

export function useVerdict() {
  const { t } = useTranslation();
  return (verdict: string | undefined) => {
    const known = verdicts.find((other) => other === verdict);
    return known ? t(`trace.verdict.${known}`) : (verdict ?? '');
  };
}

export function TraceView({ trace }: { trace: Trace }) {
  const { t } = useTranslation();
  const verdict = useVerdict();
  const reason = reasons.find((other) => other === trace.reason);
  const candidates = trace.candidates ?? [];
  const answer = trace.answer_threshold ?? 0;
  const suggest = trace.suggest_threshold ?? 0;
  const heaviest = Math.max(1, ...(trace.tokens ?? []).map((token) => token.weight ?? 0));
  return (
    <div className="trace">
      <p className={`trace-verdict verdict-${trace.verdict}`}>
        <strong>{verdict(trace.verdict)}</strong>
        {trace.reason && <span>{reason ? t(`trace.reason.${reason}`) : trace.reason}</span>}
      </p>
      {trace.normalised && (
        <section>
          <h2>{t('trace.normalised')}</h2>
          <p className="trace-text">{trace.normalised}</p>
        </section>
      )}
      {trace.tokens && trace.tokens.length > 0 && (
        <section>
          <h2>{t('trace.tokens')}</h2>
          <ul className="tokens">
            {trace.tokens.map((token, i) => (
              <li key={i} style={{ opacity: 1, borderBottomWidth: 1 + Math.round((3 * (token.weight ?? 0)) / heaviest) }} title={token.weight === undefined ? undefined : String(token.weight)}>
                {token.text}
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>{t('trace.candidates')}</h2>
        {candidates.length === 0 && <p className="quiet">{t('trace.none')}</p>}
        <ol className="candidates">
          {candidates.map((candidate) => (
            <li key={candidate.id}>
              <div>
                <strong>{candidate.title}</strong>
                {candidate.matched && candidate.matched !== candidate.title && <small>{t('trace.matched', { text: candidate.matched })}</small>}
              </div>
              <b>{thousandths(candidate.score)}</b>
              <div className="score" role="img" aria-label={t('trace.score', { score: thousandths(candidate.score) })}>
                <i style={{ width: `${Math.min(100, candidate.score / 10)}%` }} data-level={candidate.score >= answer ? 'answer' : candidate.score >= suggest ? 'suggest' : 'low'} />
                {suggest > 0 && <u style={{ left: `${suggest / 10}%` }} />}
                {answer > 0 && <u style={{ left: `${answer / 10}%` }} />}
              </div>
            </li>
          ))}
        </ol>
      </section>
      <dl className="trace-facts">
        <div><dt>{t('trace.answerThreshold')}</dt><dd>{thousandths(answer)}</dd></div>
        <div><dt>{t('trace.suggestThreshold')}</dt><dd>{thousandths(suggest)}</dd></div>
        {trace.microseconds !== undefined && <div><dt>{t('trace.time')}</dt><dd>{t('trace.microseconds', { count: trace.microseconds })}</dd></div>}
      </dl>
    </div>
  );
}
