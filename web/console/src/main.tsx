import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { startI18n } from './app/i18n';
import { applyTheme } from './app/appearance';
import './app/base.css';

applyTheme();
await startI18n();
createRoot(document.getElementById('root')!).render(<App />);
