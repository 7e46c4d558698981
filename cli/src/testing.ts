export * from "@cloaca/sdk/testing";
