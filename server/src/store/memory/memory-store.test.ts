import { storeContract } from "../contract/store-contract.js";
import { openStore } from "../open-store.js";

storeContract("memory", async () => ({
  open: async (options) => openStore("memory:", options, ""),
  remove: async () => {},
}));
