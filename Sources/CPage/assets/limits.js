// The server's bounds that a reader should hear about before the server says no (ChatCore/Limits.swift).

export const promptBytesMax = 256 * 1024;
export const systemPromptBytesMax = 32 * 1024;
export const titleCharactersMax = 200;

const encoder = new TextEncoder();
/// How long `text` is as the server counts: in bytes of UTF-8.
export const bytesOf = (text) => encoder.encode(text).length;
/// The first `count` bytes of `text`.
export const prefixOf = (text, count) => new TextDecoder().decode(encoder.encode(text).subarray(0, count));
