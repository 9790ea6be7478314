// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The module site.js is made by the server, from the directives UserMgmtConsole….
export const site: { title: string; logo: string; color: string };
