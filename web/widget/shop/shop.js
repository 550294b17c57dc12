// The page's own button opens the widget, as a real shop would do it.
document.querySelectorAll('[data-chat]').forEach((b) => b.addEventListener('click', () => window.Yingda?.open()));
