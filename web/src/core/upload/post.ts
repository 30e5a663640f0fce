/** One request of an upload. */

import { transfer } from "~/core/api/transfer";
import { type Reply, sentName } from "./outcome";

const ADDRESS = "/api/v1/uploads";

/**
 * Send files; each is durable on the service when the promise is kept.
 *
 * @param told hears how many bytes of the body have gone.
 * @throws as `transfer` does: of an OfflineError the same files may be sent again, none
 * is stored twice.
 */
export async function postFiles(
  files: readonly Blob[],
  told: (sent: number) => void,
  abort: AbortSignal,
): Promise<Reply> {
  const form = new FormData();
  for (const [at, file] of files.entries()) form.append("file", file, sentName(at));
  const { body } = await transfer<Reply>({
    to: ADDRESS,
    body: form,
    onSent: told,
    abort,
  });
  return body;
}
