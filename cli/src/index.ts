export * from "@cloaca/sdk";
