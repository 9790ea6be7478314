<?php
// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// A user service as one writes it by hand in PHP with PDO, on the module's own tables:
// build/bench's comparison. Apache authenticates. It has no roles, no audit trail, no ETags
// and no Idempotency-Key.
declare(strict_types=1);

const ORG = "(SELECT org_id FROM organizations WHERE name = 'default')";
const SELECT = 'SELECT u.user_uid, u.email, u.display_name, u.phone, u.active, u.attributes,
    u.created_at, u.updated_at, s.user_uid IS NOT NULL AS sub_admin
    FROM users u LEFT JOIN sub_admins s ON s.org_id = u.org_id AND s.user_uid = u.user_uid
    WHERE u.org_id = ' . ORG;

function answer(int $status, array $body): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($body, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
    exit;
}

function ask(string $sql, array $values): PDOStatement
{
    static $db = null;
    // A connection outlives the request; one round trip a statement.
    $db ??= new PDO(getenv('BENCH_DSN'), getenv('BENCH_USER'), null, [
        PDO::ATTR_PERSISTENT => true,
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        PDO::PGSQL_ATTR_DISABLE_PREPARES => true,
    ]);
    $statement = $db->prepare($sql);
    $statement->execute($values);
    return $statement;
}

function instant(int $milliseconds): string
{
    return gmdate('Y-m-d\TH:i:s', intdiv($milliseconds, 1000))
        . sprintf('.%03dZ', $milliseconds % 1000);
}

function user(array $row): array
{
    return array_filter([
        'user_uid' => $row['user_uid'],
        'email' => $row['email'],
        'display_name' => $row['display_name'],
        'phone' => $row['phone'],
        'role' => $row['sub_admin'] ? 'sub_admin' : 'user',
        'active' => $row['active'] === 1,
        'created_at' => instant($row['created_at']),
        'updated_at' => instant($row['updated_at']),
    ], fn ($value) => $value !== null) + json_decode($row['attributes'], true);
}

function read(string $uid): never
{
    $row = ask(SELECT . ' AND u.user_uid = ?', [$uid])->fetch();
    $row ? answer(200, ['userData' => user($row)]) : answer(404, ['code' => 'user_not_found']);
}

function listed(): never
{
    $limit = (int) ($_GET['limit'] ?? 5);
    if ($limit < 1 || $limit > 1000) {
        answer(400, ['code' => 'validation_failed']);
    }
    $users = array_map('user', ask(SELECT . ' AND u.user_uid > ?
        ORDER BY u.user_uid LIMIT ?', [$_GET['start_after_id'] ?? '', $limit])->fetchAll());
    $count = ask('SELECT sum(user_count) FROM organization_counts WHERE org_id = ' . ORG, [])
        ->fetchColumn();
    answer(200, ['query_count' => (int) $count, 'users' => $users,
        'first_uid' => $users[0]['user_uid'] ?? null,
        'last_uid' => $users ? end($users)['user_uid'] : null]);
}

function create(): never
{
    $body = json_decode(file_get_contents('php://input'), true);
    $email = $body['email'] ?? null;
    $name = $body['display_name'] ?? null;
    if (!is_string($email) || !filter_var($email, FILTER_VALIDATE_EMAIL) || !is_string($name)
        || $name === '') {
        answer(400, ['code' => 'validation_failed']);
    }
    $attributes = json_encode((object) array_diff_key($body,
        array_flip(['email', 'display_name', 'phone'])), JSON_UNESCAPED_UNICODE);
    $now = (int) (microtime(true) * 1000);
    $row = ['user_uid' => base_convert((string) $now, 10, 36) . bin2hex(random_bytes(6)),
        'email' => $email, 'display_name' => $name, 'phone' => $body['phone'] ?? null,
        'attributes' => $attributes, 'created_at' => $now, 'updated_at' => $now];
    $made = ask('INSERT INTO users (org_id, user_uid, email, email_key, display_name,
        display_name_folded, phone, attributes, created_at, updated_at)
        VALUES (' . ORG . ', ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
        [$row['user_uid'], $email, mb_strtolower($email), $name, mb_strtolower($name),
            $row['phone'], $attributes, $now, $now]);
    if ($made->rowCount() === 0) {
        answer(409, ['code' => 'email_exists']);
    }
    header('Location: ' . $_SERVER['REQUEST_URI'] . $row['user_uid']);
    answer(201, ['userData' => user($row + ['active' => 1, 'sub_admin' => false])]);
}

$path = rtrim(substr(strtok($_SERVER['REQUEST_URI'], '?'), strlen('/user-management/users')), '/');
match (true) {
    $path !== '' => read(ltrim($path, '/')),
    $_SERVER['REQUEST_METHOD'] === 'POST' => create(),
    default => listed(),
};
