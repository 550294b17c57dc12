// The sentences for what happened in a conversation, and the one line that the list shows.
import type { TFunction } from 'i18next';
import type { Message } from '@/api/types';

const known = ['started', 'handoff', 'assigned', 'unassigned', 'transferred', 'pending', 'reopened', 'resolved', 'rated', 'identified'] as const;
const reasons = ['asked', 'bot_gave_up', 'offline'] as const;

// `codeName` says a wrap-up code in the language of the page; without it the code is left out.
export function activityText(t: TFunction, message: Message, codeName?: (code: string) => string): string {
  const activity = message.activity;
  const name = known.find((other) => other === activity?.name);
  if (!activity || !name) return activity?.name ?? '';
  const by = message.author?.name || t('activity.system');
  const to = activity.to_name || '–';
  if (name === 'handoff') {
    const reason = reasons.find((other) => other === activity.reason);
    return reason ? t(`activity.handoff_${reason}`) : t('activity.handoff');
  }
  if (name === 'resolved') {
    const code = typeof activity.wrap_up === 'string' ? activity.wrap_up : activity.wrap_up?.code;
    return code && codeName ? t('activity.resolvedWith', { by, code: codeName(code) }) : t('activity.resolved', { by });
  }
  if (name === 'assigned' && message.author?.kind !== 'agent') return t('activity.assignedBySystem', { to });
  if (name === 'assigned' && message.author?.id === activity.to) return t('activity.taken', { by });
  return t(`activity.${name}`, { by, to, score: activity.score ?? 0 });
}

export function snippet(t: TFunction, message: Message | null | undefined): string {
  if (!message) return '';
  if (message.kind === 'activity') return activityText(t, message);
  const text = (message.text ?? '').replace(/[*_`#>]+/g, '').replace(/\s+/g, ' ').slice(0, 120);
  const body = text || (message.attachments?.length ? t('inbox.attachment', { name: message.attachments[0]!.name }) : '');
  if (message.kind === 'note') return t('inbox.noteLine', { text: body });
  if (message.author?.kind === 'agent') return t('inbox.agentLine', { name: message.author.name ?? '', text: body });
  if (message.author?.kind === 'bot') return t('inbox.botLine', { text: body });
  return body;
}
