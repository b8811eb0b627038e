import type { Document, Node, YAMLMap, YAMLSeq } from 'yaml';
import type { FieldEdit } from './merge.js';

type Yaml = typeof import('yaml');

/** Comments, anchors and the order of keys stay. `undefined` where a field is shared through an alias. */
export async function mergeYaml(live: string, edits: readonly FieldEdit[]): Promise<string | undefined> {
  const yaml = await import('yaml');
  const document = yaml.parseDocument(live);
  if (!edits.every((edit) => applyEdit(yaml, document, edit))) return undefined;
  return document.toString({ lineWidth: 0, ...layoutOf(live) });
}

/** What can be told of the live file's layout, so that untouched lines stay as they are. */
function layoutOf(live: string): { indent: number; indentSeq: boolean; flowCollectionPadding: boolean } {
  const indent = /^(?:[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?)\n(?:[ \t]*(?:#[^\n]*)?\n)*( +)[^\s#-]/m.exec(live)?.[1]?.length ?? 2;
  const sequence = /^( *)[^\s#-][^\n]*:[ \t]*\n( *)- /m.exec(live);
  return { indent, indentSeq: sequence === null || sequence[1] !== sequence[2], flowCollectionPadding: !/\{\S/.test(live) };
}

function applyEdit(yaml: Yaml, document: Document, edit: FieldEdit): boolean {
  const trail: { node: YAMLMap | YAMLSeq; key: unknown }[] = [];
  let at: unknown = document.contents;
  for (const [index, segment] of edit.segments.entries()) {
    if (!yaml.isMap(at) && !yaml.isSeq(at)) return false;
    const node = at;
    const key = yaml.isSeq(node) ? Number(segment) : keyOf(yaml, node, segment);
    trail.push({ node, key });
    if (index === edit.segments.length - 1) break;
    at = node.get(key, true);
    if (at === undefined || (yaml.isScalar(at) && at.value === null)) {
      if (edit.value === undefined) return true;
      const made = document.createNode({});
      node.set(key, made);
      at = made;
    }
  }
  const last = trail.at(-1);
  if (last === undefined) return false;
  if (edit.value === undefined) return removeUp(yaml, trail, edit.prune);
  return setValue(yaml, document, last, edit);
}

function setValue(yaml: Yaml, document: Document, place: { node: YAMLMap | YAMLSeq; key: unknown }, edit: FieldEdit): boolean {
  const old = place.node.get(place.key, true) as Node | undefined;
  // Others may hold the same node by its anchor.
  if (yaml.isAlias(old) || (old !== undefined && 'anchor' in old && old.anchor !== undefined)) return false;
  const made = document.createNode(edit.value);
  if (yaml.isScalar(old) && yaml.isScalar(made)) {
    // The scalar itself stays, and with it its comments.
    const quoted = typeof old.value === 'string' && typeof made.value === 'string' ? old.type : undefined;
    old.value = made.value;
    Reflect.deleteProperty(old, 'source');
    Reflect.deleteProperty(old, 'format');
    Reflect.deleteProperty(old, 'type');
    Reflect.deleteProperty(old, 'tag');
    if (quoted !== undefined) old.type = quoted;
    return true;
  }
  if (old !== undefined && yaml.isNode(made)) {
    made.comment = old.comment ?? null;
    made.commentBefore = old.commentBefore ?? null;
  }
  place.node.set(place.key, made);
  return true;
}

function removeUp(yaml: Yaml, trail: readonly { node: YAMLMap | YAMLSeq; key: unknown }[], prune: number): boolean {
  for (const [up, { node, key }] of [...trail].reverse().entries()) {
    if (up > prune) return true;
    if (node.anchor !== undefined) return false;
    if (yaml.isSeq(node)) {
      node.set(key, null);
      return true;
    }
    node.delete(key);
    if (node.items.length > 0) return true;
  }
  return true;
}

/** Keys may be numbers or other scalars; pointers know only their text. */
function keyOf(yaml: Yaml, map: YAMLMap, segment: string): unknown {
  const pair = map.items.find(({ key }) => String(yaml.isScalar(key) ? key.value : key) === segment);
  return pair === undefined ? segment : pair.key;
}
