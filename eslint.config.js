import tseslint from 'typescript-eslint';

import { importRules } from './test/house.ts';

export default tseslint.config(
  { ignores: ['var/**', 'certs-dev/generated/**', 'coverage/**'] },
  ...tseslint.configs.recommendedTypeChecked.map((rules) => ({ ...rules, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      // A promise returned bare leaves its `using` and its `catch` behind: both have ended when it settles.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/no-unused-expressions': 'off' } },
  {
    files: [
      'src/cli/**/*.ts',
      'src/main.ts',
      'test/bench/**/*.ts',
      'test/faults/**/*.ts',
      'certs-dev/**/*.ts',
    ],
    rules: { 'no-console': 'off' },
  },
  ...importRules(),
);
