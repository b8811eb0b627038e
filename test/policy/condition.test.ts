import { describe, expect, it } from 'vitest';
import { type Condition, isProblem, type Values } from '../../src/policy/condition.js';
import { APPROVALS, RULES } from '../../src/policy/vocabulary.js';

const VALUES: Values = {
  change: { resource: 'etc/app.yaml', type: 'file', path: '/port', kind: 'changed', effect: 'update', class: 'configuration', desired: 8080, actual: { rules: [{ cidrs: ['10.0.0.0/8', '0.0.0.0/0'] }] }, sensitive: false },
  environment: { name: 'prod', production: true },
  history: { recurrence: 2, age: 7_200_000, lastOutcome: 'fixed', firstLook: false },
  time: { now: '2026-11-02T09:00:00.000Z', hour: 9, weekday: 1 },
  risk: 'high',
};

function compiled(text: string): Condition {
  const result = RULES.compile(text);
  if (isProblem(result)) throw new Error(`${text}: ${result.message}`);
  return result;
}

function ask(text: string, values: Values = VALUES): ReturnType<Condition['ask']> {
  return compiled(text).ask(RULES.facts(values));
}

describe('a condition', () => {
  it.each([
    ['text is compared', 'change.path == "/port"', true],
    ['numbers of JSON are compared with whole numbers', 'change.desired == 8080 && change.desired > 80', true],
    ['a list within the value is looped over', 'change.actual.rules.exists(rule, rule.cidrs.exists(cidr, cidr == "0.0.0.0/0"))', true],
    ['a filtered list is looped over', 'change.actual.rules.filter(rule, size(rule.cidrs) > 1).all(rule, rule.cidrs.size() == 2)', true],
    ['an age is a duration', 'history.age > duration("1h") && history.age < duration("3h")', true],
    ['the time is a timestamp', 'time.now > timestamp("2026-11-01T00:00:00Z")', true],
    ['an item of a loop may be called like a variable', 'change.actual.rules.exists(risk, risk.cidrs != "none")', true],
    ['what has never ended has no last outcome', 'history.lastOutcome == "" || history.lastOutcome == "fixed"', true],
    ['what is absent is empty text', 'change.by == ""', true],
    ['a pattern runs in linear time', 'change.resource.matches("^etc/[a-z]+\\\\.yaml$")', true],
    ['a member that may be missing is asked for', 'has(change.actual.rules) && !has(change.actual.owner)', true],
    ['a failing side of `or` does not matter where the other holds', 'change.actual.owner == "x" || risk == "high"', true],
    ['a failing side of `and` does not matter where the other does not hold', 'change.actual.owner == "x" && risk == "low"', false],
    ['what decides nothing without the plan is not unknown', 'plan.deletes > 0 && risk == "low"', false],
  ])('%s', (_reason, text, expected) => {
    expect(ask(text)).toBe(expected);
  });

  it.each([
    ['a value of another type fails', 'change.desired > "high"', { unknown: false }],
    ['a member that is missing fails', 'change.actual.owner == "x"', { unknown: false }],
    ['a division by zero fails', '1 / history.recurrence == 1 / (history.recurrence - history.recurrence)', { unknown: false }],
    ['the plan is unknown before there is one', 'plan.deletes > 0', { unknown: true }],
  ])('%s, without throwing', (_reason, text, expected) => {
    expect(ask(text)).toMatchObject(expected);
  });

  it.each([
    ['what is always true holds for every change', 'true'],
    ['so does a comparison of what is written out', '10 - (3 - 2) == 9'],
    ['and what only names types', 'type(change.desired) == double'],
    ['one side of `or` may be false', 'false || environment.production'],
    ['one side of `and` may be true', 'true && environment.production'],
    ['a word in both of two lists', 'change.path in ["/a", "/port"] && change.path in ["/port", "/c"]'],
    ['two words of which either holds', 'change.path == "/a" || change.path == "/port"'],
    ['text with parentheses and quotes', `"(' \\" )" != change.path`],
    ['a method that takes a variable', '"high and low".contains(risk)'],
    ['a loop over what is written out, compared with a variable', '["low", "high"].exists(each, each == risk)'],
    ['the hours of a duration count without end', 'duration("48h").getHours() == 48'],
    ['a pattern in a text that is written out', '"abc".matches("^a")'],
    ['a number with a fraction, however small', '1.0 / 1e-12 > 1.0'],
    ['the last hour and the first', 'time.hour >= 0 && time.hour <= 23 && 0 <= time.hour'],
    ['a member that hides in a loop', '["a"].all(risk, risk == "a") && environment.production'],
  ])('%s: that is accepted', (_reason, text) => {
    expect(ask(text)).toBe(true);
  });

  it('a value that is too large is not looked at, and what does not read it is answered', () => {
    const change = { ...(VALUES['change'] as object), actual: Array.from({ length: 1_001 }, (_, index) => index) };
    expect(ask('change.actual.exists(each, each == 3)', { ...VALUES, change })).toMatchObject({ unknown: false, reason: 'the value is too large for rules to look at' });
    expect(ask('change.path == "/port"', { ...VALUES, change })).toBe(true);
  });

  it('a text that is too long for a pattern is not searched', () => {
    const change = { ...(VALUES['change'] as object), path: 'bc'.concat('a'.repeat(4_000)) };
    expect(ask('change.path.matches("[ab]{0,900}b$")', { ...VALUES, change })).toMatchObject({ unknown: false, reason: 'the text is too long for this pattern' });
    expect(ask('change.path.matches("^bca*$")', { ...VALUES, change })).toBe(true);
  });

  it('says what it reads', () => {
    expect(compiled('change.path == "/port" && (risk == "low" || change["kind"] == "missing") && plan.resources < 3').reads).toEqual(['change.kind', 'change.path', 'plan.resources', 'risk']);
  });

  it.each([
    ['an unknown variable', 'chang.path == "x"', 0, /nothing is called "chang"/],
    ['an unknown member', 'risk == "low" && change.paht == "x"', 24, /change has no member "paht"/],
    ['another type', 'change.path == 3', 0, /these types do not go together: string == int/],
    ['no truth value', 'change.path', 0, /gives string, not true or false/],
    ['a value of any type', 'change.desired', 0, /gives dyn, not true or false/],
    ['an unknown function', 'shell("id") == ""', 0, /there is no function "shell"/],
    ['an unknown method', 'change.path.split("/") == []', 12, /there is no function "split"/],
    ['a binding, which would multiply', 'cel.bind(x, change.path + change.path, x == "")', 4, /there is no function "bind"/],
    ['a wrong argument', 'change.path.startsWith(3)', 0, /no function fits 'string.startsWith\(int\)'/],
    ['half an expression', 'change.path ==', 14, /cannot be understood: Unexpected token: the end/],
    ['an open quote', 'change.path == "x', 15, /Unterminated string/],
    ['nothing', '', 0, /cannot be understood/],
    ['a pattern of another dialect', 'change.path.matches("(a)\\\\1")', 20, /not a regular expression of RE2/],
    ['a word that a member never has', 'change.path == "/port" && change.kind == "chnaged"', 41, /change\.kind is never "chnaged"/],
    ['a word that no risk is called', 'risk != "severe"', 8, /risk is never "severe"/],
    ['the same the other way round', '"secrets" == change.class', 0, /change\.class is never "secrets"/],
    ['one wrong word of several', 'plan.staging in ["shadow", "dryrun"]', 27, /plan\.staging is never "dryrun"/],
    ['a risk put in the order of the alphabet, by which low is above high', 'risk >= "high"', 0, /words have no order/],
    ['an outcome that does not exist, by another spelling', 'history["lastOutcome"] == "failed"', 26, /history\.lastOutcome is never "failed"/],
    ['a Sunday as cron counts it', 'time.weekday == 0', 16, /time\.weekday is never 0/],
    ['an hour after the last', 'time.hour in [22, 23, 24]', 22, /time\.hour is never 24/],
    ['an hour beyond the last', 'time.hour > 23', 12, /time\.hour is never > 23/],
    ['an hour before the first', 'time.hour < 0', 12, /time\.hour is never < 0/],
    ['a weekday beyond the last, the other way round', '8 <= time.weekday', 0, /time\.weekday is never >= 8/],
    ['a number among texts', 'change.path in ["/a", 1]', 22, /change\.path is text, and this is none/],
    ['a duration in words', 'history.age > duration("1 day")', 23, /"1 day" is not a duration/],
    ['a thirteenth month', 'time.now > timestamp("2026-13-01T00:00:00Z")', 21, /is not a time/],
    ['a number that is none', 'plan.deletes == int("three")', 20, /"three" is not a whole number/],
    ['a time zone that does not exist', 'time.now.getHours("Europe/Londn") > 17', 18, /"Europe\/Londn" is not a time zone/],
    ['asking for a member that nothing has', '!has(change.owner)', 12, /change has no member "owner"/],
    ['a pattern made on the way', 'change.path.matches(change.resource)', 12, /needs its pattern written out/],
    ['an hour after the last, in an order', 'risk == "low" && time.hour > 23', 29, /time\.hour is never > 23/],
    ['the same from the other side', '24 <= time.hour', 0, /time\.hour is never >= 24/],
    ['fewer than none', 'plan.deletes < 0', 15, /plan\.deletes is never < 0/],
    ['a count below none', 'history.recurrence == -1', 22, /history\.recurrence is never -1/],
    ['December, in a language that counts months from 0', 'time.now.getMonth() == 12', 23, /time\.now\.getMonth\(\) is never 12/],
    ['Sunday as a seventh day, in a language that counts from 0', 'time.now.getDayOfWeek("UTC") in [6, 7]', 36, /getDayOfWeek\(\) is never 7/],
    ['a division by zero', 'history.recurrence > 1 / 0', 21, /this always fails: division by zero/],
    ['a remainder by zero, within a pair of parentheses', 'change.path == "/a" && (7 % (2 - 2)) == 0', 24, /this always fails: modulo by zero/],
    ['an item that a list does not have', 'history.recurrence == [1][3]', 22, /this always fails: .*index 3/],
    ['a key that a map does not have', 'change.class in {"a": ["data"]}["b"]', 16, /this always fails: .*No such key: b/],
    ['a number that is too large', 'history.recurrence < 9223372036854775807 + 1', 21, /this always fails: integer overflow/],
    ['a text cut where it has ended', 'change.path == "ab".substring(5)', 15, /this always fails/],
    ['a truth value in words', 'bool("yes")', 0, /this always fails/],
    ['a failure in a loop that looks at nothing of its item', 'change.actual.exists(each, each == 1 / 0)', 35, /this always fails: division by zero/],
    ['a failure on a side that may not matter', 'risk == "low" || 1 / 0 == 1', 17, /this always fails/],
    ['what is false', 'false', 0, /the condition never holds: it is false/],
    ['a comparison of two numbers', '1 == 2', 0, /never holds: 1 == 2 is false/],
    ['one side of `and` that is false', 'environment.production && 2 < 1', 26, /never holds: 2 < 1 is false/],
    ['both sides of `or` that are false', '1 > 2 || false', 0, /never holds/],
    ['not what is always true', '!(environment.production || true)', undefined, /never holds: it is true/],
    ['a loop over what is written out, without such an item', '[1, 2].exists(each, each == 3)', 0, /never holds/],
    ['an empty list', 'change.path in []', 15, /never holds: nothing is in an empty list/],
    ['one member that is two words', 'change.path == "/a" && environment.production && change.path == "/b"', 49, /never holds: change\.path is not "\/a" and "\/b" at once/],
    ['two lists without a word in common', 'risk in ["low", "medium"] && change["kind"] == "missing" && risk in ["high"]', 60, /never holds: risk is not/],
    ['a loop over the same list in a loop', 'change.actual.exists(a, change.actual.exists(b, a == b))', 24, /does not go over a part of a/],
    ['a pattern that counts far', 'change.path.matches("a{0,1000}a{0,1000}a{0,1000}b$")', 20, /more than 2000 steps/],
    ['a loop that compares five whole values with each item', `change.actual.all(a, ${Array.from({ length: 5 }, () => 'change.actual == change.desired').join(' && ')})`, 91, /whole values of the input more than 4 times/],
    ['the same by another spelling', `change.actual.all(a, ${Array.from({ length: 5 }, () => '[change][0]["actual"] != a').join(' && ')})`, 141, /whole values of the input more than 4 times/],
    ['a loop over what a loop made', 'change.actual.map(a, change.actual).exists(b, b.exists(c, c == 1))', 0, /made on the way/],
    ['too long', `risk == "${'x'.repeat(4_000)}"`, 0, /longer than 4000/],
    ['too deep', `${'('.repeat(60)}true${')'.repeat(60)}`, 40, /too long or nested too deeply/],
    ['too many parts', Array.from({ length: 200 }, () => 'risk == "x"').join(' || '), undefined, /too long or nested too deeply/],
  ])('%s is found before it runs', (_reason, text, offset, message) => {
    const result = RULES.compile(text);
    if (!isProblem(result)) throw new Error('it was accepted');
    expect(result.message).toMatch(message);
    if (offset !== undefined) expect(Math.abs(result.offset - offset)).toBeLessThanOrEqual(1);
  });

  it.each(['time.hour >= 23', 'time.hour > 22', '23 <= time.hour', 'time.hour <= 0', 'time.hour < 24', 'time.weekday < 2', '1 >= time.weekday', 'time.hour >= 0', 'history.recurrence > 100'])('%s can come true, at the edge', (text) => {
    expect(isProblem(RULES.compile(text))).toBe(false);
  });

  it('of an approval knows the part, and nothing of a single change', () => {
    expect(isProblem(APPROVALS.compile('risk == "critical" || class in ["exposure", "privilege"] || plan.deletes > 0 || environment.production'))).toBe(false);
    expect(APPROVALS.compile('risk == "critcal"')).toMatchObject({ offset: 8, message: 'risk is never "critcal"' });
    expect(APPROVALS.compile('change.path == "x"')).toMatchObject({ message: 'nothing is called "change" here' });
  });
});
