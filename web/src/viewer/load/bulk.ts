/** Large values of a header, which have an address of their own (PS3.18 10.4.1.1.5). */

import { ask } from "~/core/api/client";
import { Cache } from "./cache";
import type { Element } from "./dicom_json";

/** Tables and overlays that many images share are kept; the oldest go first. */
const MOST_BYTES = 64 << 20;

interface Kept {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly bytes: number;
}

const kept = new Cache<Kept>(MOST_BYTES);
const coming = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** The path of a value's own address, "" where it has none; the host is always the page's. */
export function addressOf(found: Element | undefined): string {
  if (!found?.BulkDataURI) return "";
  try {
    return new URL(found.BulkDataURI, "http://page").pathname;
  } catch {
    return "";
  }
}

/** The bytes at an address; whoever asks at the same time waits for the same reply. */
export async function fetchBulk(address: string): Promise<Uint8Array<ArrayBuffer>> {
  const known = kept.get(address)?.data ?? coming.get(address);
  if (known) return known;
  const asked = fetchBytes(address).finally(() => coming.delete(address));
  coming.set(address, asked);
  return asked;
}

// Not aborted with one image: another may wait for the same bytes.
async function fetchBytes(address: string): Promise<Uint8Array<ArrayBuffer>> {
  const reply = await ask(address, { headers: { Accept: "application/octet-stream" } });
  const data = new Uint8Array(await reply.arrayBuffer());
  kept.put(address, { data, bytes: data.byteLength });
  return data;
}
