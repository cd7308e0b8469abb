/** Losses on pairs that compare with no reference policy. */
const REFERENCE_FREE: readonly string[] = ['sft', 'simpo', 'cpo', 'orpo'];

/** Whether any of the losses compares with a reference policy. */
export const needsReference = (types: readonly string[]): boolean =>
  types.some((type) => !REFERENCE_FREE.includes(type));
