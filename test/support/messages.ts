/** Messages of a chat. */
const message = (role: string) => (content: string) => ({ role, content });

export const system = message('system');
export const user = message('user');
export const assistant = message('assistant');
