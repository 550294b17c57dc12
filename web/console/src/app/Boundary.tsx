// A fault in one page leaves the rail, the connection and the outbox alone.
import { Button, Result } from 'antd';
import { Component, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    return this.state.error ? <Fault error={this.state.error} again={() => this.setState({ error: null })} /> : this.props.children;
  }
}

function Fault({ error, again }: { error: Error; again: () => void }) {
  const { t } = useTranslation();
  return <Result status="warning" title={t('problem.page')} subTitle={error.message} extra={<Button type="primary" onClick={again}>{t('common.retry')}</Button>} />;
}
