import { Form, Input, Modal, Radio, Skeleton } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { post } from '@/api/http';
import type { Conversation } from '@/api/types';
import { useWrapUpCodes } from '@/app/codes';
import { localised } from '@/app/i18n';
import { useProblem } from '@/app/problems';
import { useSession } from '@/app/session';

// antd marks a required group for readers but does not say that it is a group.
const group = { role: 'radiogroup' };

export default function ResolveDialog({ conversation, close }: { conversation: Conversation; close: () => void }) {
  const { t } = useTranslation();
  const { desk } = useSession();
  const tell = useProblem();
  const [form] = Form.useForm<{ code: string; note?: string }>();
  const [busy, setBusy] = useState(false);
  const codes = useWrapUpCodes();
  const submit = async ({ code, note }: { code: string; note?: string }) => {
    setBusy(true);
    try {
      const answer = await post<Conversation | undefined>(`/conversations/${conversation.id}/resolve`, { wrap_up: { code, ...(note?.trim() ? { note: note.trim() } : {}) } });
      if (answer?.id) desk.put([answer]);
      close();
    } catch (error) {
      tell(error, form);
      setBusy(false);
    }
  };
  return (
    <Modal open title={t('resolve.title')} okText={t('conversation.resolve')} confirmLoading={busy} onOk={() => form.submit()} onCancel={close}>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(fields) => void submit(fields)}>
        <Form.Item name="code" label={t('resolve.code')} rules={[{ required: true, message: t('resolve.codeNeeded') }]}>
          {codes.data ? (
            <Radio.Group {...group} className="codes" options={codes.data.filter((code) => code.enabled).map((code) => ({ value: code.code, label: localised(code.name) || code.code }))} />
          ) : (
            <Skeleton active title={false} />
          )}
        </Form.Item>
        <Form.Item name="note" label={t('resolve.note')}>
          <Input.TextArea rows={3} maxLength={1000} placeholder={t('resolve.notePlaceholder')} onKeyDown={(event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && form.submit()} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
