// Line icons, 24 × 24, drawn for this widget.
const icon = (path: string) => () => (
  <svg viewBox="0 0 24 24" width="22" height="22" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
    <path d={path} />
  </svg>
);
export const Chat = icon('M4 12a8 7 0 1 1 3.6 5.8L4 19l1-3.2A6.6 6.6 0 0 1 4 12Zm5-1.5h6M9 13.500h4');
export const Close = icon('m6 9 6 6 6-6');
export const Cross = icon('M7 7l10 10M17 7 7 17');
export const Send = icon('M5 12 4 4.500 20.500 12 4 19.500 5 12Zm0 0h8');
export const Clip = icon('m19 11.500-7 7a4.500 4.500 0 0 1-6.400-6.400l7.400-7.300a3 3 0 0 1 4.300 4.300l-7.400 7.300a1.500 1.500 0 0 1-2.200-2.100l6.800-6.700');
export const Person = icon('M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.500 8a7.500 6 0 0 1 15 0');
export const Paper = icon('M7 3.500h7l4 4v13H7Zm7 0v4h4');
export const Spark = icon('M12 4v3m0 10v3m-8-8h3m10 0h3M7 7l1.700 1.700m6.600 6.600L17 17M17 7l-1.700 1.700M8.700 15.300 7 17');
export const Star = ({ full }: { full: boolean }) => (
  <svg viewBox="0 0 24 24" width="30" height="30" fill={full ? 'currentColor' : 'none'} stroke="currentColor" stroke-width="1.600" stroke-linejoin="round" aria-hidden="true">
    <path d="m12 3.600 2.600 5.400 5.900.8-4.300 4.100 1 5.900L12 17l-5.200 2.800 1-5.900L3.500 9.800l5.900-.8Z" />
  </svg>
);
