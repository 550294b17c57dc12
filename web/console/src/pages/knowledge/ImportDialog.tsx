// A file of entries, and what became of each row.
import { useQueryClient } from '@tanstack/react-query';
import { Button, Checkbox, Form, Input, Modal, Select, Upload, type UploadFile } from 'antd';
import { FileUp } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '@/api/http';
import type { ImportReport } from '@/api/types';
import { useProblem } from '@/app/problems';

interface Fields {
  format?: string;
  language?: string;
  default_answer?: string;
  check?: boolean;
}

export default function ImportDialog({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const tell = useProblem();
  const [form] = Form.useForm<Fields>();
  const [file, setFile] = useState<File | null>(null);
  const [busy, setBusy] = useState(false);
  const [report, setReport] = useState<(ImportReport & { checked: boolean }) | null>(null);
  const submit = async (fields: Fields) => {
    if (!file) return;
    const body = new FormData();
    body.append('file', file, file.name);
    for (const [name, value] of Object.entries(fields)) if (value) body.append(name, String(value));
    setBusy(true);
    try {
      const { data } = await call<ImportReport>('POST', '/knowledge/import', { body });
      setReport({ ...data, checked: !!fields.check });
      if (!fields.check) await Promise.all([queries.invalidateQueries({ queryKey: ['faqs'] }), queries.invalidateQueries({ queryKey: ['articles'] })]);
    } catch (error) {
      tell(error);
    } finally {
      setBusy(false);
    }
  };
  const files: UploadFile[] = file ? [{ uid: file.name, name: file.name, status: 'done' }] : [];
  return (
    <Modal
      open
      width={620}
      title={t('import.title')}
      onCancel={close}
      footer={[
        <Button key="close" onClick={close}>{t('common.close')}</Button>,
        <Button key="go" type="primary" disabled={!file} loading={busy} onClick={() => form.submit()}>{t('import.submit')}</Button>,
      ]}
    >
      <Form form={form} layout="vertical" onFinish={(fields) => void submit(fields)}>
        <Upload.Dragger
          accept=".csv,.jsonl,.ndjson,.md,.markdown,.txt"
          maxCount={1}
          fileList={files}
          beforeUpload={(chosen) => { setFile(chosen); setReport(null); return false; }}
          onRemove={() => { setFile(null); return true; }}
        >
          <p><FileUp size={28} aria-hidden /></p>
          <p>{t('import.drop')}</p>
          <p className="quiet">{t('import.columns')}</p>
        </Upload.Dragger>
        <div className="two import-options">
          <Form.Item name="format" label={t('import.format')}>
            <Select allowClear placeholder={t('import.auto')} aria-label={t('import.format')} options={(['csv', 'jsonl', 'markdown'] as const).map((value) => ({ value, label: t(`import.${value}`) }))} />
          </Form.Item>
          <Form.Item name="language" label={t('knowledge.language')}>
            <Select allowClear placeholder={t('import.auto')} aria-label={t('knowledge.language')} options={(['zh', 'en'] as const).map((value) => ({ value, label: t(`contact.lang.${value}`) }))} />
          </Form.Item>
        </div>
        <Form.Item name="default_answer" label={t('import.defaultAnswer')} extra={t('import.defaultAnswerHint')}><Input.TextArea rows={2} /></Form.Item>
        <Form.Item name="check" valuePropName="checked"><Checkbox>{t('import.check')}</Checkbox></Form.Item>
      </Form>
      {report && (
        <section className="import-report" role="status">
          <h2>{report.checked ? t('import.checked') : t('import.done')}</h2>
          <p>{t('import.counts', { imported: report.imported, updated: report.updated, failed: report.failed })}</p>
          {report.rows.length > 0 && (
            <table>
              <thead><tr><th>{t('import.row')}</th><th>{t('import.error')}</th></tr></thead>
              <tbody>{report.rows.slice(0, 200).map((row, i) => <tr key={i}><td>{row.row}</td><td>{row.error}</td></tr>)}</tbody>
            </table>
          )}
        </section>
      )}
    </Modal>
  );
}
