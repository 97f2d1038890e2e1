/** The engine's own tests, one here for each case of GoogleTest. `npm test` builds the binary; nothing is built here. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const binary = resolve(__dirname, '../../native/build/hyperion_tests');

interface Case {
  name: string;
  classname: string;
  result: 'COMPLETED' | 'SKIPPED' | 'SUPPRESSED';
  failures?: { failure: string }[];
}

interface Report {
  testsuites: { name: string; testsuite: Case[] }[];
}

/** Runs the binary and returns its report, or throws with what it printed (a crash leaves no report). */
function run(): Report {
  if (!existsSync(binary)) {
    throw new Error(
      `${binary} is missing. Build it with: cmake -S native -B native/build -DHYPERION_TESTS=ON && cmake --build native/build --target hyperion_tests`,
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'hyperion-native-'));
  try {
    const file = join(folder, 'report.json');
    const outcome = spawnSync(binary, [`--gtest_output=json:${file}`], {
      encoding: 'utf8',
      timeout: 240_000,
    });
    if (!existsSync(file)) {
      const how = outcome.error?.message ?? outcome.signal ?? `exit code ${outcome.status}`;
      throw new Error(
        `the engine's tests ended early (${how}):\n${`${outcome.stdout}\n${outcome.stderr}`.slice(-4000)}`,
      );
    }
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let report: Report = { testsuites: [] };
let problem: unknown;
try {
  report = run();
} catch (error) {
  problem = error;
}

test("the engine's tests run to their end", () => {
  if (problem) throw problem;
  expect(report.testsuites.length).toBeGreaterThan(0);
});

for (const suite of report.testsuites) {
  describe(suite.name, () => {
    for (const one of suite.testsuite) {
      test(one.name, () => {
        expect(one.failures?.map(({ failure }) => failure).join('\n') ?? '').toBe('');
        expect(one.result).toBe('COMPLETED');
      });
    }
  });
}
