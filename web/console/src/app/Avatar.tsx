import { Bot } from 'lucide-react';
import { faceOf } from './theme';

// Chinese names show their last character, others their initials.
function initials(name: string): string {
  const trimmed = name.trim();
  if (!trimmed) return '·';
  if (/^[\u3400-\u9fff]/.test(trimmed)) return trimmed.replace(/[*\s]+$/, '').slice(-1) || trimmed.slice(0, 1);
  const words = trimmed.split(/\s+/);
  return ((words[0]?.[0] ?? '') + (words.length > 1 ? (words[words.length - 1]![0] ?? '') : '')).toUpperCase();
}

export function Avatar({ id, name, size = 32, bot = false }: { id: string; name: string; size?: number; bot?: boolean }) {
  const style = bot ? undefined : faceOf(id);
  return (
    <span className={bot ? 'avatar avatar-bot' : 'avatar'} style={{ ...style, width: size, height: size, fontSize: size * 0.4 }} aria-hidden="true">
      {bot ? <Bot size={size * 0.55} /> : initials(name)}
    </span>
  );
}
