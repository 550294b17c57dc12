import { Form, Input, Select, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Faq } from '@/api/types';
import { EntryDrawer } from '@/app/EntryDrawer';
import { MarkdownField } from '@/app/MarkdownField';
import { lang } from '@/app/i18n';

export function FaqDrawer({ id, close }: { id: string | null; close: () => void }) {
  const { t } = useTranslation();
  const required = [{ required: true, whitespace: true, message: t('common.required') }];
  return (
    <EntryDrawer<Faq>
      title={id ? t('knowledge.editFaq') : t('knowledge.newFaq')}
      collection="/faqs"
      id={id}
      fields={['language', 'question', 'similar', 'answer', 'category', 'tags', 'enabled']}
      fresh={{ language: lang() === 'zh-CN' ? 'zh' : 'en', similar: [], tags: [], enabled: true }}
      write="knowledge.write"
      lists={[['faqs']]}
      confirm={t('knowledge.deleteFaq')}
      close={close}
    >
      <Form.Item name="question" label={t('knowledge.question')} rules={required}><Input maxLength={500} /></Form.Item>
      <Form.Item name="similar" label={t('knowledge.similar')} extra={t('knowledge.similarHint')}>
        <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={['\n']} aria-label={t('knowledge.similar')} />
      </Form.Item>
      <Form.Item name="answer" label={t('knowledge.answer')} rules={required}><MarkdownField /></Form.Item>
      <div className="two">
        <Form.Item name="language" label={t('knowledge.language')}>
          <Select aria-label={t('knowledge.language')} options={(['zh', 'en'] as const).map((value) => ({ value, label: t(`contact.lang.${value}`) }))} />
        </Form.Item>
        <Form.Item name="category" label={t('knowledge.category')}><Input maxLength={60} /></Form.Item>
        <Form.Item name="tags" label={t('knowledge.tags')}><Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', '，']} aria-label={t('knowledge.tags')} /></Form.Item>
        <Form.Item name="enabled" label={t('common.enabled')} valuePropName="checked"><Switch aria-label={t('common.enabled')} /></Form.Item>
      </div>
    </EntryDrawer>
  );
}
