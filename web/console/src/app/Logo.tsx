// The mark: the character 应 drawn in nine strokes.
export function Logo({ size = 32 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" fill="#0c6b5c" />
      <path
        fill="none"
        stroke="#fff"
        strokeWidth="2.3"
        strokeLinecap="round"
        strokeLinejoin="round"
        d="M16.6 5.4l1 2.4M8.4 9.6h16.2M9.2 9.8c0 7-.5 11.6-2.6 15.2M13 14.6l1.5 5.2M17.6 13.4l1.3 5.4M24 13.8c-.7 3.6-2.2 7-4.2 10M12 24.8h12.8"
      />
    </svg>
  );
}
