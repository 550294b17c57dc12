// Who is signed in, what they may do, and the live desk that belongs to the sign-in.
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Desk, DeskState } from '@/api/live/desk';
import type { Session } from '@/api/types';

export interface SignedIn {
  session: Session;
  desk: Desk;
  may(permission: string): boolean;
  signOut(): Promise<void>;
}

export const SessionContext = createContext<SignedIn | null>(null);

export function useSession(): SignedIn {
  const value = useContext(SessionContext);
  if (!value) throw new Error('no session');
  return value;
}

// Reads a part of the desk's state; the component renders again only when that part is another one.
export function useDesk<T>(select: (state: DeskState) => T): T {
  const { desk } = useSession();
  return useSyncExternalStore(desk.subscribe, () => select(desk.get()));
}
