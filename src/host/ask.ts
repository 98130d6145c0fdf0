import type { Query, QueryName, QueryPlace, QueryResult } from '../protocol/messages.ts';
import type { Remote, TokenPlace, WorkerApi } from '../worker/api.ts';
import { stepsTogether } from './steps.ts';

/** Asks the worker what the panel asked about the text of these ids. */
export function ask(remote: Remote<WorkerApi>, ids: Int32Array, query: Query): Promise<QueryResult<QueryName>> {
  switch (query.name) {
    case 'attention':
      return remote.attention(ids, query.layer, query.head);
    case 'attentionPicture':
      return remote.attentionPicture(ids, query.layer, query.head);
    case 'attentionRow':
      return remote.attentionRow(ids, query.layer, query.head, query.query);
    case 'attentionCell':
      return remote.attentionCell(ids, query.layer, query.head, query.query, query.key);
    case 'experts':
      return remote.experts(ids, query.layer);
    case 'latent':
      return remote.latent(ids, query.layer, query.token);
    case 'projection':
      return remote.projection(ids, query.layer, query.skipFirst);
    case 'lens':
      return remote.lens(ids, query.layer);
    case 'distribution':
      return remote.distribution(ids, query.position);
    case 'forwardPath':
      return remote.forwardPath(ids, query.token, query.layer, query.head, query.expert);
    case 'weightedSum':
      return remote.weightedSum(ids, query.token, query.layer, query.head, query.expert, query.stage, query.index);
    case 'positions':
      return remote.positions(ids, query.layer, query.head, query.query, query.key);
    case 'readText':
      return remote.readText(query.text);
    case 'words':
      return remote.words(query.texts);
    case 'neighbours':
      return remote.neighbours(query.vector, query.count);
    case 'vectorMap':
      return remote.vectorMap(query.vectors);
    case 'lensTop':
      return remote.lensTop(ids, query.layer, query.token, query.count);
    case 'similarity':
      return remote.similarity(ids, query.layer);
    case 'wordByLayer':
      return remote.wordByLayer(placeIn(ids, query.first), placeIn(ids, query.second));
    case 'step': {
      const { continuation, sampling, seed, topK, attention } = query;
      return remote.step({ ids: Int32Array.from([...ids, ...continuation]), sampling, seed, topK, attention });
    }
    case 'steps': {
      const { continuation, sampling, seed, topK, most } = query;
      return stepsTogether((request) => remote.step(request), { ids: Int32Array.from([...ids, ...continuation]), sampling, seed, topK }, most).then((steps) => ({ steps }));
    }
    case 'textOf':
      return remote.textOf(Int32Array.from(query.ids)).then((text) => ({ text }));
  }
}

function placeIn(ids: Int32Array, place: QueryPlace): TokenPlace {
  return { ids: place.ids === null ? ids : Int32Array.from(place.ids), token: place.token };
}
