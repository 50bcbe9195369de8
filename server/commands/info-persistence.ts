/** The section `persistence` of INFO: Redis' names for snapshots and log, and our own beside them. */
import type { ServerContext } from '../server-context.js';
import { type InfoFields, percent, percentilesText } from './info-format.js';

/** What INFO shows of the time that writes wait for the log. */
const COMMIT_WAIT_PERCENTILES = [50, 99, 99.9, 100];

type Fields = (readonly [string, string | number])[];

export function persistenceFields(server: ServerContext): InfoFields {
  const { engine } = server;
  const fields: Fields = [
    ['loading', engine.loading ? 1 : 0],
    ['async_loading', 0],
    ...savingFields(server),
    ...rewritingFields(server),
    ...logFields(server),
    ...snapshotFields(server),
  ];
  if (engine.loading) fields.push(...loadingFields(server));
  return fields;
}

/** Whole seconds that what runs has run; -1 where nothing does. */
function runningSeconds(server: ServerContext, kind: 'bgsave' | 'rewrite'): number {
  const { status } = server.snapshots;
  if (status.running !== kind) return -1;
  return Math.max(0, Math.floor((Date.now() - status.startedAtMs) / 1000));
}

function savingFields(server: ServerContext): Fields {
  const { engine, snapshots } = server;
  const { status } = snapshots;
  const running = status.running !== undefined;
  return [
    ['current_cow_peak', running ? status.viewBytesPeak : 0],
    ['current_cow_size', engine.arena.viewBytes],
    ['current_cow_size_age', 0],
    [
      'current_fork_perc',
      running && status.keysTotal > 0 ? ((100 * snapshots.keysDone) / status.keysTotal).toFixed(2) : '0.00',
    ],
    ['current_save_keys_processed', snapshots.keysDone],
    ['current_save_keys_total', running ? status.keysTotal : 0],
    ['rdb_changes_since_last_save', snapshots.changes],
    ['rdb_bgsave_in_progress', status.running === 'bgsave' ? 1 : 0],
    ['rdb_last_save_time', Math.floor(status.lastSaveMs / 1000)],
    ['rdb_last_bgsave_status', status.lastStatus],
    ['rdb_last_bgsave_time_sec', status.lastSeconds],
    ['rdb_current_bgsave_time_sec', runningSeconds(server, 'bgsave')],
    ['rdb_saves', status.taken],
    ['rdb_last_cow_size', status.viewBytesPeak],
    ['rdb_last_load_keys_expired', status.loadedExpired],
    ['rdb_last_load_keys_loaded', status.loadedKeys],
  ];
}

function rewritingFields(server: ServerContext): Fields {
  const { commit, snapshots } = server;
  const { status } = snapshots;
  return [
    ['aof_enabled', 1],
    ['aof_rewrite_in_progress', status.running === 'rewrite' ? 1 : 0],
    ['aof_rewrite_scheduled', status.scheduled === 'rewrite' ? 1 : 0],
    ['aof_last_rewrite_time_sec', status.lastRewriteSeconds],
    ['aof_current_rewrite_time_sec', runningSeconds(server, 'rewrite')],
    ['aof_last_bgrewrite_status', status.lastRewriteStatus],
    ['aof_rewrites', status.rewrites],
    ['aof_rewrites_consecutive_failures', status.failuresInRow],
    ['aof_last_write_status', commit.refusesWrites ? 'err' : 'ok'],
    ['aof_last_cow_size', status.viewBytesPeak],
    ['module_fork_in_progress', 0],
    ['module_fork_last_cow_size', 0],
    ['aof_current_size', commit.logBytes],
    ['aof_base_size', status.newest?.bytes ?? 0],
    ['aof_pending_rewrite', 0],
    ['aof_buffer_length', commit.uncommittedBytes],
    ['aof_pending_bio_fsync', 0],
    ['aof_delayed_fsync', 0],
  ];
}

function logFields({ commit, engine, logSpace, watch }: ServerContext): Fields {
  return [
    ['log_size_bytes', commit.logBytes],
    ['log_appended_sequence', engine.effects.sequence],
    ['log_committed_sequence', commit.committed],
    ['log_uncommitted_bytes', commit.uncommittedBytes],
    ['log_commits_inline', commit.inlineCommits],
    ['log_commits_thread', commit.threadCommits],
    ['log_sync_average_usec', Math.round(commit.averageSyncMicros)],
    ['log_commit_wait_usec', percentilesText(watch.commitWaits, COMMIT_WAIT_PERCENTILES)],
    ['log_space_low', logSpace.low ? 1 : 0],
    ['log_space_refuses_writes', commit.refusesWrites ? 1 : 0],
  ];
}

function snapshotFields({ snapshots }: ServerContext): Fields {
  const { status } = snapshots;
  const fields: Fields = [
    ['snapshot_stage', status.stage === '' ? 'none' : status.stage],
    ['snapshot_failures_in_row', status.failuresInRow],
    ['snapshot_last_error', status.lastError.replaceAll(/[\r\n]/g, ' ')],
    ['snapshot_cut_usec', status.cutMicros],
    ['snapshot_view_ms', status.viewMs],
    ['snapshot_image_ms', status.imageMs],
    ['snapshot_copied_pages', status.copiedPages],
    ['snapshot_loaded_from', status.loadedFrom],
    ['log_grown_bytes', snapshots.grownBytes],
    ['log_trimmed_bytes', status.trimmedBytes],
    ['snapshots', status.snapshots.length],
  ];
  status.snapshots.forEach(({ file, sequence, bytes, createdAtMs, digest }, i) => {
    fields.push([
      `snapshot_${i}`,
      `file=${file},sequence=${sequence},bytes=${bytes},created=${Math.floor(createdAtMs / 1000)},digest=${digest},status=verified`,
    ]);
  });
  const { image } = status;
  if (image !== undefined)
    fields.push(['snapshot_image', `file=${image.file},sequence=${image.sequence},bytes=${image.bytes}`]);
  return fields;
}

function loadingFields({ loading, statistics, engine }: ServerContext): Fields {
  const { loadedBytes, startedAtMs, totalBytes } = loading;
  const elapsedSeconds = Math.max(1, statistics.uptimeSeconds);
  const speed = loadedBytes / elapsedSeconds;
  const left = Math.max(0, totalBytes - loadedBytes);
  return [
    ['loading_start_time', Math.floor(startedAtMs / 1000)],
    ['loading_total_bytes', totalBytes],
    ['loading_rdb_used_mem', engine.usedBytes()],
    ['loading_loaded_bytes', loadedBytes],
    ['loading_loaded_perc', percent(loadedBytes, totalBytes).slice(0, -1)],
    ['loading_eta_seconds', speed === 0 ? 1 : Math.ceil(left / speed)],
  ];
}
