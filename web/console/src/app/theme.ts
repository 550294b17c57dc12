// The look: ink, paper and jade. One palette a theme, from which come antd's tokens and the CSS variables of our own styles.
import { theme as antd, type ThemeConfig } from 'antd';

export type Mode = 'light' | 'dark';

const light = {
  paper: '#f6f5f1',
  surface: '#ffffff',
  raised: '#fbfaf8',
  sunken: '#efede7',
  line: '#e3e0d8',
  text: '#1b2421',
  muted: '#5b6662',
  faint: '#6c7672',
  jade: '#0c6b5c',
  jadeSoft: '#e1f0ec',
  jadeInk: '#08493f',
  onJade: '#ffffff',
  seal: '#b83a22',
  sealSoft: '#fbe9e4',
  amberSoft: '#fdf3d6',
  amberLine: '#ecd695',
  amberInk: '#6b4e05',
  sky: '#1f5d9c',
  skySoft: '#e6eff9',
  rail: '#15211e',
  railText: '#b4c3be',
  railActive: '#21362f',
  mine: '#0c6b5c',
  mineText: '#ffffff',
  theirs: '#ffffff',
  bot: '#e9eef7',
  shadow: '0 1px 2px rgb(27 36 33 / 6%), 0 8px 24px rgb(27 36 33 / 8%)',
};
type Palette = typeof light;

const dark: Palette = {
  paper: '#0f1513',
  surface: '#161d1b',
  raised: '#1b2421',
  sunken: '#111816',
  line: '#2a3531',
  text: '#e6ece9',
  muted: '#a3b0ab',
  faint: '#8d9a95',
  jade: '#43c9ae',
  jadeSoft: '#15332c',
  jadeInk: '#8ce4d1',
  onJade: '#04211b',
  seal: '#f0886f',
  sealSoft: '#3a1d16',
  amberSoft: '#342a11',
  amberLine: '#5c4a18',
  amberInk: '#f0d48a',
  sky: '#8bbcf0',
  skySoft: '#16283b',
  rail: '#0b100f',
  railText: '#9fb0aa',
  railActive: '#1c2b27',
  mine: '#17584b',
  mineText: '#f0faf7',
  theirs: '#1f2926',
  bot: '#1c2735',
  shadow: '0 1px 2px rgb(0 0 0 / 40%), 0 8px 24px rgb(0 0 0 / 40%)',
};

const palettes: Record<Mode, Palette> = { light, dark };

export const fontFamily =
  "'Inter', ui-sans-serif, system-ui, -apple-system, 'Segoe UI', 'PingFang SC', 'Hiragino Sans GB', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif";

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export function paint(mode: Mode) {
  const root = document.documentElement;
  for (const [name, value] of Object.entries(palettes[mode])) root.style.setProperty(`--${kebab(name)}`, value);
  root.style.setProperty('--font', fontFamily);
  root.style.colorScheme = mode;
  root.dataset.theme = mode;
}

export function antdTheme(mode: Mode, calm: boolean): ThemeConfig {
  const p = palettes[mode];
  return {
    algorithm: mode === 'dark' ? antd.darkAlgorithm : antd.defaultAlgorithm,
    token: {
      colorPrimary: p.jade,
      colorInfo: p.sky,
      colorError: p.seal,
      colorLink: p.jade,
      colorLinkHover: p.jadeInk,
      colorBgBase: mode === 'dark' ? p.paper : '#ffffff',
      colorBgContainer: p.surface,
      colorBgElevated: mode === 'dark' ? p.raised : p.surface,
      colorBgLayout: p.paper,
      colorText: p.text,
      colorTextSecondary: p.muted,
      colorTextTertiary: p.faint,
      colorTextDescription: p.muted,
      colorTextPlaceholder: p.faint,
      colorTextDisabled: p.faint,
      colorBorder: p.line,
      colorBorderSecondary: p.line,
      borderRadius: 9,
      borderRadiusLG: 12,
      borderRadiusSM: 7,
      controlHeight: 36,
      fontFamily,
      fontSize: 14,
      motion: !calm,
      wireframe: false,
    },
    components: {
      Button: { primaryColor: p.onJade, dangerColor: mode === 'dark' ? '#2a0b04' : '#ffffff', primaryShadow: 'none', defaultShadow: 'none', dangerShadow: 'none', fontWeight: 500 },
      Table: { headerBg: p.surface, headerColor: p.muted, headerSplitColor: 'transparent', rowHoverBg: p.raised, cellPaddingBlockMD: 11, cellPaddingInlineMD: 16 },
      Segmented: { trackBg: p.sunken, itemSelectedBg: mode === 'dark' ? p.line : p.surface, itemColor: p.muted },
      Tooltip: { colorBgSpotlight: mode === 'dark' ? '#33413c' : '#1b2421' },
      Tabs: { horizontalItemPadding: '10px 0' },
      Form: { labelColor: p.muted },
      Switch: { colorTextQuaternary: mode === 'dark' ? '#5d6a65' : '#8c9692', colorTextTertiary: mode === 'dark' ? '#6f7d78' : '#77827d' },
    },
  };
}

// A stable colour for a name: people find a face again before they read it.
const hues = [168, 24, 210, 284, 338, 48, 190, 258, 12, 130];
export function faceOf(key: string): { background: string; color: string } {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (hash * 31 + key.charCodeAt(i)) >>> 0;
  const hue = hues[hash % hues.length];
  return { background: `hsl(${hue} 42% 36%)`, color: '#ffffff' };
}
