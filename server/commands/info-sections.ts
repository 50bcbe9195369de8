/**
 * The sections of INFO: Redis' field names where Redis has the thing, our own beside them. Which sections a client asked
 * for is info.ts'. What a section shows of the dataset, the reply depends on.
 */
import { arch, release, type as systemName, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { humanBytes } from '../config/memory-units.js';
import { memoryFigures } from '../memory-figures.js';
import type { ServerContext } from '../server-context.js';
import { threadCpuUsage } from '../thread-cpu-usage.js';
import { HOLDFAST_VERSION, REDIS_VERSION } from '../version.js';
import { type InfoFields, percent, percentilesText, ratio } from './info-format.js';
import { migrateConnections } from './migrate.js';

const EXECUTABLE = fileURLToPath(new URL('../main.js', import.meta.url));

export function serverFields(server: ServerContext): InfoFields {
  const { config, engine, facts, statistics } = server;
  const nowMs = engine.clock.nowMs();
  const uptime = statistics.uptimeSeconds;
  return [
    ['redis_version', REDIS_VERSION],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', '0'],
    ['redis_mode', 'standalone'],
    ['server_name', 'holdfast'],
    ['holdfast_version', HOLDFAST_VERSION],
    ['os', `${systemName()} ${release()} ${arch() === 'x64' ? 'x86_64' : arch()}`],
    ['arch_bits', 64],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'libuv'],
    ['atomicvar_api', 'ecmascript'],
    ['gcc_version', '0.0.0'],
    ['node_version', process.version],
    ['process_id', process.pid],
    ['process_supervised', 'no'],
    ['run_id', statistics.runId],
    ['tcp_port', facts.port],
    ['server_time_usec', nowMs * 1000],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86400)],
    ['hz', config.values.hz],
    ['configured_hz', config.values.hz],
    ['lru_clock', Math.floor(nowMs / 1000) & 0xffffff],
    ['executable', EXECUTABLE],
    ['config_file', facts.configFile],
    ['io_threads_active', 0],
    ['clock_skew_ms', server.clock.skewMs],
  ];
}

export function clientFields(server: ServerContext): InfoFields {
  const { connections, limits } = server;
  let blocked = 0;
  let inputMost = 0;
  let outputMost = 0;
  for (const connection of connections.all.values()) {
    if (connection.session.task?.resting === true || connection.paused) blocked++;
    inputMost = Math.max(inputMost, connection.queryBufferBytes);
    outputMost = Math.max(outputMost, connection.outputBytes);
  }
  return [
    ['connected_clients', connections.count],
    ['cluster_connections', 0],
    ['maxclients', limits.maxclients],
    ['client_recent_max_input_buffer', inputMost],
    ['client_recent_max_output_buffer', outputMost],
    ['blocked_clients', blocked],
    ['tracking_clients', 0],
    ['clients_in_timeout_table', 0],
    ['parked_reply_bytes', connections.parkedBytes],
    ['unsent_reply_bytes', connections.unsentBytes],
    ['query_buffer_bytes', connections.queryBufferBytes],
  ];
}

export function memoryFields(server: ServerContext): InfoFields {
  const { config, engine } = server;
  const all = memoryFigures(server);
  const { active, allocated, dataset, peak, resident, rss, uncommitted, used } = all;
  const { heapUsed } = process.memoryUsage();
  const total = totalmem();
  let waiting = 0;
  let freed = 0;
  for (const { released } of engine.keyspaces) {
    waiting += released.size;
    freed += released.freed;
  }
  return [
    ['used_memory', used],
    ['used_memory_human', humanBytes(used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', humanBytes(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', humanBytes(peak)],
    ['used_memory_peak_perc', percent(used, peak)],
    ['used_memory_overhead', all.overhead],
    ['used_memory_startup', all.startup],
    ['used_memory_dataset', dataset],
    ['used_memory_dataset_perc', `${all.datasetPercent.toFixed(2)}%`],
    ['used_memory_index', all.index],
    ['allocator_allocated', allocated],
    ['allocator_active', active],
    ['allocator_resident', resident],
    ['total_system_memory', total],
    ['total_system_memory_human', humanBytes(total)],
    ['used_memory_lua', 0],
    ['used_memory_lua_human', '0B'],
    // Scripts and functions need nothing while there are none.
    ['used_memory_vm_eval', 0],
    ['used_memory_scripts_eval', 0],
    ['number_of_cached_scripts', 0],
    ['number_of_functions', 0],
    ['number_of_libraries', 0],
    ['used_memory_vm_functions', 0],
    ['used_memory_vm_total', 0],
    ['used_memory_vm_total_human', '0B'],
    ['used_memory_functions', 0],
    ['used_memory_scripts', 0],
    ['used_memory_scripts_human', '0B'],
    ['maxmemory', engine.maxmemory],
    ['maxmemory_human', humanBytes(engine.maxmemory)],
    ['maxmemory_policy', config.values['maxmemory-policy']],
    ['allocator_frag_ratio', ratio(active, allocated)],
    ['allocator_frag_bytes', active - allocated],
    ['allocator_rss_ratio', ratio(resident, active)],
    ['allocator_rss_bytes', resident - active],
    ['rss_overhead_ratio', ratio(rss, resident)],
    ['rss_overhead_bytes', rss - resident],
    ['mem_fragmentation_ratio', ratio(rss, used)],
    ['mem_fragmentation_bytes', rss - used],
    ['mem_not_counted_for_evict', uncommitted + engine.arena.viewBytes],
    ['mem_replication_backlog', 0],
    ['mem_total_replication_buffers', 0],
    ['mem_clients_slaves', 0],
    ['mem_clients_normal', all.clients],
    ['mem_cluster_links', 0],
    ['mem_aof_buffer', uncommitted],
    ['mem_allocator', 'holdfast-pages'],
    ['active_defrag_running', Math.round(engine.defragmenter.runningPercent)],
    ['lazyfree_pending_objects', waiting],
    ['lazyfreed_objects', freed],
    ['view_bytes', engine.arena.viewBytes],
    ['view_waits', server.viewRoom.waits],
    ['view_waited_usec', server.viewRoom.waitedMicros],
    ['heap_used_bytes', heapUsed],
    ['heap_used_bytes_all_isolates', heapUsed + server.otherHeapBytes()],
  ];
}

export function statsFields(server: ServerContext): InfoFields {
  const { engine, statistics } = server;
  const { defragmenter } = engine;
  const counters = statistics.counters();
  return [
    ['total_connections_received', counters.connectionsAccepted],
    ['total_commands_processed', counters.commands],
    ['instantaneous_ops_per_sec', statistics.commandsPerSecond],
    ['total_net_input_bytes', counters.bytesReceived],
    ['total_net_output_bytes', counters.bytesSent],
    ['total_net_repl_input_bytes', 0],
    ['total_net_repl_output_bytes', 0],
    ['instantaneous_input_kbps', statistics.receivedKibPerSecond.toFixed(2)],
    ['instantaneous_output_kbps', statistics.sentKibPerSecond.toFixed(2)],
    ['instantaneous_input_repl_kbps', '0.00'],
    ['instantaneous_output_repl_kbps', '0.00'],
    ['rejected_connections', counters.connectionsRejected],
    ['sync_full', 0],
    ['sync_partial_ok', 0],
    ['sync_partial_err', 0],
    ['expired_keys', counters.expiredKeys],
    ['expired_stale_perc', '0.00'],
    ['expired_time_cap_reached_count', 0],
    ['expire_cycle_cpu_milliseconds', Math.round(server.watch.expiryMicros / 1000)],
    ['evicted_keys', counters.evictedKeys],
    ['evicted_clients', counters.clientsEvicted],
    ['total_eviction_exceeded_time', Math.round(engine.eviction.exceededMsTotal)],
    ['current_eviction_exceeded_time', Math.round(engine.eviction.exceededMsNow)],
    ['client_output_buffer_limit_disconnections', counters.clientsClosedForOutput],
    ['keyspace_hits', counters.keyspaceHits],
    ['keyspace_misses', counters.keyspaceMisses],
    ['pubsub_channels', 0],
    ['pubsub_patterns', 0],
    ['pubsubshard_channels', 0],
    ['latest_fork_usec', 0],
    ['total_forks', 0],
    ['migrate_cached_sockets', migrateConnections(server).count],
    ['slave_expires_tracked_keys', 0],
    ['active_defrag_hits', defragmenter.hits],
    ['active_defrag_misses', defragmenter.misses],
    ['active_defrag_key_hits', defragmenter.keyHits],
    ['active_defrag_key_misses', defragmenter.keyMisses],
    ['total_active_defrag_time', Math.round(defragmenter.msTotal)],
    ['current_active_defrag_time', Math.round(defragmenter.msNow)],
    ['tracking_total_keys', 0],
    ['tracking_total_items', 0],
    ['tracking_total_prefixes', 0],
    ['unexpected_error_replies', 0],
    ['total_error_replies', counters.errors],
    ['dump_payload_sanitizations', 0],
    ['total_reads_processed', counters.reads],
    ['total_writes_processed', counters.writes],
    ['io_threaded_reads_processed', 0],
    ['io_threaded_writes_processed', 0],
    ['reply_buffer_shrinks', 0],
    ['reply_buffer_expands', 0],
  ];
}

export function replicationFields(server: ServerContext): InfoFields {
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ['master_failover_state', 'no-failover'],
    ['master_replid', server.statistics.replicationId],
    ['master_replid2', '0'.repeat(40)],
    ['master_repl_offset', 0],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 0],
    ['repl_backlog_size', String(server.config.values['repl-backlog-size'])],
    ['repl_backlog_first_byte_offset', 0],
    ['repl_backlog_histlen', 0],
  ];
}

export function cpuFields(): InfoFields {
  const { system, user } = process.cpuUsage();
  // What Redis calls its main thread is the one that runs commands: the server thread, which runs this.
  const thread = threadCpuUsage();
  return [
    ['used_cpu_sys', (system / 1e6).toFixed(6)],
    ['used_cpu_user', (user / 1e6).toFixed(6)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
    ['used_cpu_sys_main_thread', (thread.system / 1e6).toFixed(6)],
    ['used_cpu_user_main_thread', (thread.user / 1e6).toFixed(6)],
  ];
}

export function commandStatsFields(server: ServerContext): InfoFields {
  const fields: [string, string][] = [];
  for (const command of server.engine.table.commands.values()) {
    for (const each of [command, ...(command.subcommands?.values() ?? [])]) {
      const { calls, microseconds, rejectedCalls, failedCalls } = each;
      if (calls === 0 && rejectedCalls === 0) continue;
      const usec = Math.round(microseconds);
      const mean = (calls === 0 ? 0 : microseconds / calls).toFixed(2);
      fields.push([
        `cmdstat_${each.fullName}`,
        `calls=${calls},usec=${usec},usec_per_call=${mean},rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
      ]);
    }
  }
  return fields;
}

/** How long the calls of each command took, at the percentiles that are asked for. */
export function latencyStatsFields(server: ServerContext): InfoFields {
  const percentiles = server.config.values['latency-tracking-info-percentiles'];
  const fields: [string, string][] = [];
  for (const command of server.engine.table.commands.values()) {
    for (const { fullName, latencies } of [command, ...(command.subcommands?.values() ?? [])]) {
      if (latencies === undefined) continue;
      fields.push([`latency_percentiles_usec_${fullName}`, percentilesText(latencies, percentiles)]);
    }
  }
  return fields;
}

/** 'p50=1.007,p99=3.071'. */

export function errorStatsFields(server: ServerContext): InfoFields {
  return [...server.errorCounts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([code, count]) => [`errorstat_${code}`, `count=${count}`] as const);
}

/** How many keys there are shows every write so far, so the reply waits for all of them. */
export function keyspaceFields(server: ServerContext): InfoFields {
  const { engine } = server;
  const fields: [string, string][] = [];
  engine.keyspaces.forEach((keyspace, number) => {
    const keys = engine.database.size(number);
    if (keys > 0) fields.push([`db${number}`, `keys=${keys},expires=${keyspace.keysWithExpiry},avg_ttl=0`]);
  });
  return fields;
}

/** The longest uninterrupted runs of the server thread since the start or CONFIG RESETSTAT. */
export function sliceFields({ slices }: ServerContext): InfoFields {
  const top = slices.top();
  const fields: [string, string | number][] = [
    ['slices', slices.count],
    ['longest_slice_wall_us', Math.round(Math.max(0, ...top.map((slice) => slice.wallMicros)))],
  ];
  // Without a clock of the thread's CPU time there is nothing true to say.
  if (top.some((slice) => slice.cpuMicros >= 0)) {
    fields.push(['longest_slice_cpu_us', Math.round(Math.max(...top.map((slice) => slice.cpuMicros)))]);
  }
  top.forEach(({ cpuMicros, wallMicros }, i) => {
    fields.push([`slice_${i + 1}`, `wall_us=${Math.round(wallMicros)},cpu_us=${Math.round(cpuMicros)}`]);
  });
  return fields;
}
