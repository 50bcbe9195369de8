/** What is declared of one option of the configuration. The options themselves are in options/. */
import type { ConfigTarget } from './config-target.js';
import type { OptionKind } from './option-kind.js';

export interface Option<T> {
  readonly kind: OptionKind<T>;
  readonly initial: NoInfer<T>;
  /** When it may change: 'running' also by CONFIG SET, 'start' never, 'protected' as enable-protected-configs says. */
  readonly changes: 'running' | 'start' | 'protected';
  /** One sentence for the reference page. */
  readonly summary: string;
  /** Other names, as old versions of Redis had them. CONFIG GET * shows them too. */
  readonly aliases?: readonly string[];
  /**
   * Why the option changes nothing here. It is read, checked, kept and shown all the same. At most one of `noEffect`,
   * `fixed` and `refused` is there; without one the option is honoured.
   */
  readonly noEffect?: string;
  /**
   * Why the option has only its initial value. A start with another value goes on with a warning, because files made
   * for Redis name such options; CONFIG SET refuses it.
   */
  readonly fixed?: string;
  /** Why only the initial value is taken. Another one stops the start, and CONFIG SET refuses it. */
  readonly refused?: string;
  /** True for an option that CONFIG GET shows by its exact name only. */
  readonly hidden?: boolean;
  /** True when the value is a secret, which no log and no list of commands may show. */
  readonly secret?: boolean;
  /** True when CONFIG SET gets Redis' LOADING error for it while the dataset is read. */
  readonly deniedWhileLoading?: boolean;
  /** What it is by default, where `initial` does not say it. */
  readonly initialShown?: string;
  /** Makes the running server follow the value. @throws ConfigValueError when it cannot. */
  apply?(target: ConfigTarget, value: T): void;
}

/** Checks a declaration's types. */
export function option<T>(declaration: Option<T>): Option<T> {
  return declaration;
}

type Extra<T> = Partial<Pick<Option<T>, 'changes' | 'aliases' | 'hidden' | 'secret' | 'deniedWhileLoading'>>;

/** An option that is kept and shown, and that changes nothing, for the reason given. */
export function noEffect<T>(kind: OptionKind<T>, initial: NoInfer<T>, why: string, extra: Extra<T> = {}): Option<T> {
  return { kind, initial, changes: 'running', summary: '', noEffect: why, ...extra };
}

/** An option of which only the initial value is taken, for the reason given. */
export function refused<T>(kind: OptionKind<T>, initial: NoInfer<T>, why: string, extra: Extra<T> = {}): Option<T> {
  return { kind, initial, changes: 'running', summary: '', refused: why, ...extra };
}
