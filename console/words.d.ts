// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The server answers to words.js with the file of the language that the browser asks for.
export * from "./words-en.js";
