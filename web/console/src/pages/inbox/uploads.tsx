// Files on their way: each is uploaded at once, with its progress; the message is sent with their ids.
import { Button, Progress } from 'antd';
import { FileText, RotateCcw, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { uuid } from '@/api/uuid';
import { Problem, upload } from '@/api/http';
import type { Attachment } from '@/api/types';
import { bytes } from '@/app/format';

const LARGEST = 20 * 1024 * 1024;
const MOST = 10;

interface Upload {
  key: string;
  file: File;
  picture?: string;
  share: number;
  attachment?: Attachment;
  error?: string;
}

export function useUploads() {
  const { t } = useTranslation();
  const [uploads, setUploads] = useState<Upload[]>([]);
  const aborts = useRef(new Map<string, AbortController>());
  const change = (key: string, to: Partial<Upload>) => setUploads((now) => now.map((one) => (one.key === key ? { ...one, ...to } : one)));
  const start = (one: Upload) => {
    const abort = new AbortController();
    aborts.current.set(one.key, abort);
    upload(one.file, (share) => change(one.key, { share }), abort.signal).then(
      (attachment) => change(one.key, { attachment, share: 1 }),
      (error: Error) => error.name !== 'AbortError' && change(one.key, { error: error instanceof Problem && error.status > 0 ? error.message : t('problem.offline') }),
    );
  };
  useEffect(() => {
    const running = aborts.current;
    return () => running.forEach((abort) => abort.abort());
  }, []);
  return {
    uploads,
    busy: uploads.some((one) => !one.attachment && !one.error),
    failed: uploads.some((one) => one.error),
    done: uploads.flatMap((one) => (one.attachment ? [one.attachment] : [])),
    // Says why some were not taken, or nothing.
    add(files: Iterable<File>): string | null {
      const all = [...files];
      const fit = all.filter((file) => file.size > 0 && file.size <= LARGEST).slice(0, MOST - uploads.length);
      const added = fit.map((file) => ({
        key: uuid(),
        file,
        share: 0,
        ...(file.type.startsWith('image/') ? { picture: URL.createObjectURL(file) } : {}),
      }));
      setUploads((now) => [...now, ...added]);
      added.forEach(start);
      return fit.length < all.length ? t('composer.refused', { size: bytes(LARGEST), count: MOST }) : null;
    },
    again(key: string) {
      const one = uploads.find((other) => other.key === key);
      if (!one) return;
      change(key, { error: undefined, share: 0 });
      start(one);
    },
    remove(key: string) {
      aborts.current.get(key)?.abort();
      const one = uploads.find((other) => other.key === key);
      if (one?.picture) URL.revokeObjectURL(one.picture);
      setUploads((now) => now.filter((other) => other.key !== key));
    },
    clear() {
      for (const one of uploads) if (one.picture) URL.revokeObjectURL(one.picture);
      setUploads([]);
    },
  };
}

export function UploadChips({ uploads }: { uploads: ReturnType<typeof useUploads> }) {
  const { t } = useTranslation();
  if (uploads.uploads.length === 0) return null;
  return (
    <ul className="chips" aria-label={t('composer.files')}>
      {uploads.uploads.map((one) => (
        <li key={one.key} data-failed={one.error ? true : undefined}>
          {one.picture ? <img src={one.picture} alt="" /> : <FileText size={20} aria-hidden />}
          <span>
            {one.file.name}
            <small>{one.error ?? bytes(one.file.size)}</small>
            {!one.attachment && !one.error && <Progress percent={one.share * 100} showInfo={false} size={{ height: 3 }} aria-label={one.file.name} />}
          </span>
          {one.error && <Button size="small" type="text" aria-label={t('common.retry')} icon={<RotateCcw size={14} />} onClick={() => uploads.again(one.key)} />}
          <Button size="small" type="text" aria-label={t('common.remove')} icon={<X size={14} />} onClick={() => uploads.remove(one.key)} />
        </li>
      ))}
    </ul>
  );
}
