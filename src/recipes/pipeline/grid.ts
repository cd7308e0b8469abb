/** The grid of a sweep: its combinations of values, and the folders that these name. */
import { normalize } from 'node:path';
import { InputError } from '../../util/errors.js';

/** Values of `${grid.NAME}` in one run of a sweep's stages. */
export type GridPoint = Readonly<Record<string, string | number>>;

/** Every combination of the grid's values, the last key running fastest. */
export function gridPoints(
  grid: Readonly<Record<string, readonly (string | number)[]>>,
): GridPoint[] {
  return Object.entries(grid).reduce<GridPoint[]>(
    (points, [key, values]) =>
      points.flatMap((point) => values.map((value) => ({ ...point, [key]: value }))),
    [{}],
  );
}

/** Folder name of a grid point: its values joined by `/`. */
export const pointLabel = (point: GridPoint): string => Object.values(point).join('/');

/** @throws InputError where two combinations have one folder, or one lies outside of the root. */
export function checkPoints(where: string, points: readonly GridPoint[]): void {
  const folders = new Set<string>();
  for (const point of points) {
    const folder = normalize(pointLabel(point));
    const isOutside = folder.split('/')[0] === '..';
    if (!isOutside && !folders.has(folder)) {
      folders.add(folder);
      continue;
    }
    throw new InputError({
      where,
      problem: isOutside
        ? `the values of grid name the folder, and ${folder} is outside of root`
        : `two combinations of grid have the folder ${folder}`,
      remedy: isOutside
        ? 'Give values without .., e.g. absolute paths'
        : 'Give values that make different folders when they are joined by /',
    });
  }
}
