export type FromCeiling =
  | { readonly type: "listening"; readonly address: string }
  | { readonly type: "completed"; readonly completed: number };
