// Loaded before a program: its clock is wrong by CLOCK_SHIFT_MS, and jumps by CLOCK_JUMP_MS with each SIGUSR2.
const now = Date.now;
let shift = Number(process.env.CLOCK_SHIFT_MS ?? 0);
Date.now = () => now() + shift;
process.on("SIGUSR2", () => {
  shift += Number(process.env.CLOCK_JUMP_MS ?? 0);
});
