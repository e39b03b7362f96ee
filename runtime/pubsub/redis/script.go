package redis

import "github.com/redis/rueidis"

// A topic has two keys: meta, a hash of the epoch, the newest offset (head) and the identity of the server that they
// hold for; and log, a stream whose entries have the offset as their ID, a body (b) and a time (t, in milliseconds).
// Lua's numbers count exactly up to 2^53.
const openTopic = `
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function text(n) return string.format('%.0f', n) end
local function open(meta, log, fresh, keep)
  local id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
    .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  local m = redis.call('HMGET', meta, 'id', 'epoch', 'head')
  if m[1] ~= id then
    redis.call('DEL', log)
    redis.call('HSET', meta, 'id', id, 'epoch', fresh, 'head', '0')
    m = {id, fresh, '0'}
  end
  redis.call('PEXPIRE', meta, keep)
  return m[2], tonumber(m[3])
end
`

// appendScript: KEYS meta, log, channel; ARGV an epoch, if a new one is needed, Memory, Size, TTL, the body.
func appendScript(sharded bool) *rueidis.Lua {
	publish := "PUBLISH"
	if sharded {
		publish = "SPUBLISH"
	}
	return rueidis.NewLuaScript(openTopic + `
local epoch, head = open(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
head = text(head + 1)
redis.call('HSET', KEYS[1], 'head', head)
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], head .. '-0', 'b', ARGV[5], 't', text(now()))
redis.call('PEXPIRE', KEYS[2], text(ARGV[4] + 1))
redis.call('` + publish + `', KEYS[3], epoch .. ' ' .. head .. '\n' .. ARGV[5])
return head
`)
}

// readScript: KEYS meta, log; ARGV an epoch, if a new one is needed, Memory, the epoch and the offset of the position,
// how many at most, TTL. There is no gap where the entries that follow the position begin with the next offset, end
// where they should, and the first has not expired.
func readScript() *rueidis.Lua {
	return rueidis.NewLuaScript(openTopic + `
local epoch, head = open(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
local after, limit = tonumber(ARGV[4]), tonumber(ARGV[5])
local gap = {epoch, text(head), 'gap'}
if ARGV[3] ~= epoch or after > head then return gap end
local page = {epoch, text(head), ''}
if after == head then return page end
local list = redis.call('XRANGE', KEYS[2], '(' .. text(after) .. '-0', '+', 'COUNT', math.max(limit, 1))
if #list ~= math.min(math.max(limit, 1), head - after) then return gap end
if list[1][1] ~= text(after + 1) .. '-0' or list[#list][1] ~= text(after + #list) .. '-0' then return gap end
if list[1][2][4] + ARGV[6] < now() then return gap end
for i = 1, math.min(limit, #list) do page[i + 3] = list[i][2][2] end
return page
`)
}
