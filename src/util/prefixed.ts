/** The same record with `prefix` in front of each name. @example prefixed('eval/', { loss: 1 }) // { 'eval/loss': 1 } */
export const prefixed = <T>(
  prefix: string,
  record: Readonly<Record<string, T>>,
): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [`${prefix}${name}`, value]));
