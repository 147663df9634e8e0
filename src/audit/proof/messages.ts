import {
  ACCESS_ANSWER,
  ACCESS_QUESTION,
  type AccessAnswerClaims,
  type AccessQuestionClaims,
} from '../../evidence/access-claims.ts';
import { LOCATE, LOCATED, type LocateClaims, type LocatedClaims } from '../../evidence/locate.ts';
import type { QueryClaims, ResponseClaims } from '../../evidence/claims.ts';
import { NOTICE, RECEIPT, type NoticeClaims, type ReceiptClaims } from '../../evidence/notice.ts';
import { QUERY, type AskingKind } from '../../evidence/query.ts';
import { RESPONSE, type AnswerKind } from '../../evidence/response.ts';

export type AskedClaims = QueryClaims | AccessQuestionClaims | LocateClaims | NoticeClaims;
export type AnsweredClaims = ResponseClaims | AccessAnswerClaims | LocatedClaims | ReceiptClaims;

/** A signed message that an entry keeps: under which name, whose it is, and the one kind that it may be. */
export type Message =
  | { readonly name: 'query'; readonly by: 'own' | 'other'; readonly kind: AskingKind<AskedClaims> }
  | {
      readonly name: 'response';
      readonly by: 'own' | 'other';
      readonly kind: Pick<AnswerKind<AnsweredClaims>, 'typ' | 'claims'>;
      readonly boundTo: (claims: AnsweredClaims) => { readonly jti: string; readonly digest: string };
    };

function boundTo(claims: AnsweredClaims): { jti: string; digest: string } {
  if ('question_jti' in claims) return ACCESS_ANSWER.boundTo(claims);
  if ('notice_jti' in claims) return RECEIPT.boundTo(claims);
  return 'locate_jti' in claims ? LOCATED.boundTo(claims) : RESPONSE.boundTo(claims);
}

const query = (by: 'own' | 'other'): Message => ({ name: 'query', by, kind: QUERY });
const response = (by: 'own' | 'other'): Message => ({ name: 'response', by, kind: RESPONSE, boundTo });
const question = (by: 'own' | 'other'): Message => ({ name: 'query', by, kind: ACCESS_QUESTION });
const answer = (by: 'own' | 'other'): Message => ({ name: 'response', by, kind: ACCESS_ANSWER, boundTo });
const locate = (by: 'own' | 'other'): Message => ({ name: 'query', by, kind: LOCATE });
const located = (by: 'own' | 'other'): Message => ({ name: 'response', by, kind: LOCATED, boundTo });
const notice = (by: 'own' | 'other'): Message => ({ name: 'query', by, kind: NOTICE });
const receipt = (by: 'own' | 'other'): Message => ({ name: 'response', by, kind: RECEIPT, boundTo });

/** By the event of the entry: what travelled, so that one kind of message never passes for another. */
export const MESSAGES: Readonly<Record<string, Message | undefined>> = {
  'query-sent': query('own'),
  'query-received': query('other'),
  'response-believed': response('other'),
  'query-answered': response('own'),
  'query-withheld': response('own'),
  'query-refused': response('own'),
  'access-question-sent': question('own'),
  'access-question-received': question('other'),
  'access-answer-believed': answer('other'),
  'access-question-answered': answer('own'),
  'access-question-withheld': answer('own'),
  'access-question-refused': answer('own'),
  'locate-sent': locate('own'),
  'locate-received': locate('other'),
  'locate-believed': located('other'),
  'locate-answered': located('own'),
  'locate-refused': located('own'),
  'notice-sent': notice('own'),
  'notice-received': notice('other'),
  'receipt-believed': receipt('other'),
  'notice-taken': receipt('own'),
  'notice-refused': receipt('own'),
};
