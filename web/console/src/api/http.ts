// The REST client: one place for the session's CSRF token, the language, problem documents and versions (ETag, If-Match).
import type { Attachment, Page } from './types.ts';

export interface FieldProblem {
  field: string;
  code: string;
  title: string;
}

// What the server answers instead of a result (RFC 9457), or status 0 when it could not be reached.
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    title: string,
    readonly detail?: string,
    readonly fields: FieldProblem[] = [],
    readonly retryAfter?: number,
  ) {
    super(title);
  }
}

export type Query = Record<string, string | number | boolean | undefined | null>;

interface Options {
  query?: Query;
  body?: unknown;
  etag?: string | null;
  signal?: AbortSignal;
}

const state = { csrf: '', locale: 'zh-CN', signedOut: () => {} };

export const setCsrf = (csrf: string) => void (state.csrf = csrf);
export const setHttpLocale = (locale: string) => void (state.locale = locale);
export const onSignedOut = (fn: () => void) => void (state.signedOut = fn);

export function address(path: string, query?: Query): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== null && value !== '') search.set(key, String(value));
  const text = search.toString();
  return `/api/v1${path}${text ? `?${text}` : ''}`;
}

function problemOf(status: number, text: string): Problem {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    return new Problem(
      status,
      String(body.code ?? status),
      String(body.title ?? status),
      body.detail as string | undefined,
      (body.fields as FieldProblem[] | undefined) ?? [],
      body.retry_after as number | undefined,
    );
  } catch {
    return new Problem(status, String(status), String(status));
  }
}

export interface Versioned<T> {
  data: T;
  etag: string | null;
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<Versioned<T>> {
  const headers: Record<string, string> = { accept: 'application/json', 'accept-language': state.locale };
  let body: BodyInit | undefined;
  if (options.body instanceof FormData) body = options.body;
  else if (options.body !== undefined) {
    body = JSON.stringify(options.body);
    headers['content-type'] = 'application/json';
  }
  if (method !== 'GET') headers['x-csrf-token'] = state.csrf;
  if (options.etag) headers['if-match'] = options.etag;
  let response: Response;
  try {
    response = await fetch(address(path, options.query), { method, headers, body, signal: options.signal, credentials: 'same-origin' });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new Problem(0, 'offline', 'offline');
  }
  const text = await response.text();
  if (!response.ok) {
    if (response.status === 401 && path !== '/session') state.signedOut();
    throw problemOf(response.status, text);
  }
  return { data: (text ? JSON.parse(text) : undefined) as T, etag: response.headers.get('etag') };
}

export const get = async <T>(path: string, query?: Query, signal?: AbortSignal) => (await call<T>('GET', path, { query, signal })).data;
export const post = async <T>(path: string, body?: unknown) => (await call<T>('POST', path, { body: body ?? {} })).data;
export const patch = async <T>(path: string, body: unknown, etag?: string | null) => (await call<T>('PATCH', path, { body, etag })).data;
export const remove = async (path: string) => void (await call<void>('DELETE', path));
export const list = <T>(path: string, query?: Query, signal?: AbortSignal) => get<Page<T>>(path, query, signal);

// fetch cannot tell how much has been sent; XMLHttpRequest can.
export function upload(file: File, progress: (share: number) => void, signal: AbortSignal): Promise<Attachment> {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append('file', file, file.name);
    const xhr = new XMLHttpRequest();
    xhr.open('POST', address('/uploads'));
    xhr.setRequestHeader('x-csrf-token', state.csrf);
    xhr.setRequestHeader('accept-language', state.locale);
    xhr.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    xhr.onload = () =>
      xhr.status < 300 ? resolve(JSON.parse(xhr.responseText) as Attachment) : reject(problemOf(xhr.status, xhr.responseText));
    xhr.onerror = () => reject(new Problem(0, 'offline', 'offline'));
    xhr.onabort = () => reject(new DOMException('', 'AbortError'));
    signal.addEventListener('abort', () => xhr.abort());
    xhr.send(form);
  });
}
