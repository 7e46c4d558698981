/** What a writer that goes field by field could get wrong. */
export const AWKWARD = 'say "no" \\ to\n\u0001 naïve 🦆 \u2028 </x>';
