/** What a host says it is built with, for people. */
export const SDK_NAME = "cloaca-ts";
export const SDK_VERSION = "0.1.0";
