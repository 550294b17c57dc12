// A list from REST as a table: pages are added at the end, rows open with a click or Enter.
import { type QueryKey, useInfiniteQuery } from '@tanstack/react-query';
import { Button, Table, type TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';
import { list, type Query } from '@/api/http';

export function useListing<T>(key: QueryKey, path: string, query: Query) {
  return useInfiniteQuery({
    queryKey: [...key, query],
    queryFn: ({ pageParam, signal }) => list<T>(path, { limit: 50, ...query, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
    select: (data) => data.pages.flatMap((page) => page.items),
  });
}

interface Props<T> {
  label: string;
  listing: ReturnType<typeof useListing<T>>;
  columns: TableColumnsType<T>;
  open?: (item: T) => void;
  empty: string;
}

export function Listing<T extends { id: string | number }>({ label, listing, columns, open, empty }: Props<T>) {
  const { t } = useTranslation();
  return (
    <div className="table">
      <Table<T>
        aria-label={label}
        rowKey="id"
        size="middle"
        pagination={false}
        loading={listing.isPending}
        dataSource={listing.data ?? []}
        columns={columns}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: listing.error ? listing.error.message : listing.isPending ? ' ' : empty }}
        rowClassName={open ? 'row-opens' : ''}
        onRow={(item) =>
          open
            ? {
                tabIndex: 0,
                onClick: () => open(item),
                onKeyDown: (event) => {
                  if (event.key === 'Enter' && event.target === event.currentTarget) open(item);
                },
              }
            : {}
        }
      />
      {listing.hasNextPage && (
        <div className="table-more">
          <Button loading={listing.isFetchingNextPage} onClick={() => void listing.fetchNextPage()}>{t('common.more')}</Button>
        </div>
      )}
    </div>
  );
}
