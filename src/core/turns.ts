/** Waits until all messages that have arrived are handled: two turns of the event loop, as one may end before they are read. */
export async function messagesHeard(): Promise<void> {
  await turn();
  await turn();
}

/** One turn of the event loop. Without `setImmediate`, a message to itself queues behind those that are waiting; timers are throttled. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') return void setImmediate(resolve);
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}

/** Items that take a few milliseconds together. */
const AT_ONCE = 512;

/** `items.map(map)` for long lists: between some hundred items whatever else waits is done. */
export async function mapInTurns<Item, Result>(items: readonly Item[], map: (item: Item, index: number) => Result): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % AT_ONCE === 0) await turn();
    results.push(map(item, index));
  }
  return results;
}
