/** Whether the page's IndexedDB databases contain a text; runs in the page. */
export async function isStored(text: string): Promise<boolean> {
  const asPromise = <Value>(request: IDBRequest<Value>): Promise<Value> =>
    new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('The database cannot be read.')));
    });
  for (const { name } of await indexedDB.databases()) {
    const database = await asPromise(indexedDB.open(name ?? ''));
    try {
      for (const store of database.objectStoreNames) {
        const values: unknown[] = await asPromise(database.transaction(store).objectStore(store).getAll());
        if (values.some((value) => typeof value === 'string' && value.replaceAll('\\', '').includes(text))) return true;
      }
    } finally {
      database.close();
    }
  }
  return false;
}
